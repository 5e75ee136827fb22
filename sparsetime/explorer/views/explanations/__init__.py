"""Explanations of all features, and where each is right and wrong."""
