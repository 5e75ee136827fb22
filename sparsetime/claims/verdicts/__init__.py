"""Verdicts: what is expected of figures, whether it holds over the seeds, and the record of it."""
