"""Python-source testbed: a small language model of Python, its text, labels of every token."""
