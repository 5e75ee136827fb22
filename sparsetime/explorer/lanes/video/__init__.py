"""Frames of a video over the rows of the timeline."""
