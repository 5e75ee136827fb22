"""Panels of the page of a feature: a folder each, with its manifest and its module."""
