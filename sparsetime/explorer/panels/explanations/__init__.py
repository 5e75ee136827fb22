"""Explanations of a feature: a panel of its page."""
