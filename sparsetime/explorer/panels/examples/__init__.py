"""Activating examples of a feature, by quantile of its activation value."""
