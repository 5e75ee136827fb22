"""Lanes of the timeline: a folder each, with its manifest and the module that draws it."""
