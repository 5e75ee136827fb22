"""A small language model of Python, its text, and what every token of it is."""
