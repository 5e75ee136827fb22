"""Residues or letters over the rows of the timeline, with a ruler."""
