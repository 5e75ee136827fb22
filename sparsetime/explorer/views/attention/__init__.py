"""Attention of the run's model along time."""
