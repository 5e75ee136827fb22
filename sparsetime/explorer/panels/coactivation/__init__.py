"""Co-activation: features that fire with a feature, before it and after it."""
