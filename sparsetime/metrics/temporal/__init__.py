"""Measures over time: one file a family; from a code to figures with their doubt."""
