"""Formats of other libraries. A file here is a format."""
