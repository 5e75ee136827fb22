"""Density of a feature by position in the sequence."""
