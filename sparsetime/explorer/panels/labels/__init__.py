"""Labels that a feature detects, and its tuning curves."""
