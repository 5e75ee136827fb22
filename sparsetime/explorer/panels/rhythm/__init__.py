"""Rhythm of a feature: its power spectrum and its beat."""
