"""Compiled models: transformers whose weights are set by hand, with their circuits."""
