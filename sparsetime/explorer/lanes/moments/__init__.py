"""Moments that were found, and surprise."""
