"""Averages of features around the onsets of events."""
