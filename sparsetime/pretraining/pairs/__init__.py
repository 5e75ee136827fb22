"""Pairs: two views of every sequence that shall have like vectors; one kind a file."""
