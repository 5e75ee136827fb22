"""Histogram of the lengths of a feature's runs."""
