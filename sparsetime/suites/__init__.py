"""Suites: a dictionary for every site of a model."""
