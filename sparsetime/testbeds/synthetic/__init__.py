"""Synthetic testbed: planted features with known atoms, frequencies, dwell times and parents."""
