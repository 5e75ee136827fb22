"""Dictionaries that look back: what is kept of a stream, and encoding it step by step."""
