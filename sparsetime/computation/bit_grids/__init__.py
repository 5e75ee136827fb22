"""Grids of values that weights are rounded to: integers, three values, normal quantiles."""
