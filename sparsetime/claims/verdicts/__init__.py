"""Verdicts: what is expected of values, whether it holds over the seeds, and the record of it."""
