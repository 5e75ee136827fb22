"""Histogram of a feature's activation values."""
