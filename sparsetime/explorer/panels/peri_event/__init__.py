"""A feature around the onsets of events."""
