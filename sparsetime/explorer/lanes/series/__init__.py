"""Channels of a series over the rows of the timeline."""
