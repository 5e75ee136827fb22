"""Firing rates of a feature in recordings, by the values of a label."""
