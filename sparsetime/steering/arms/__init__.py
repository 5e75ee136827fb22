"""Comparison of steering by arms: features, nulls of equal norm, baselines, one judge."""
