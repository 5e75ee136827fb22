"""Metrics of all dictionaries, with intervals and nulls."""
