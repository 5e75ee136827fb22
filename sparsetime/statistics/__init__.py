"""Estimates with intervals and nulls; nothing here needs a model or a store."""
