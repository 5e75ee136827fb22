"""Nearest atoms of a feature by cosine, in its dictionary and in the others."""
