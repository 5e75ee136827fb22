"""A small sentence model, the English that ships with Python, and what every token of it is."""
