"""Readers of recordings: one file for each kind of format, registered by the suffixes of files."""
