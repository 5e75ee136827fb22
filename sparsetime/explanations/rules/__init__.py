"""Rules: predicates over conditions, their search, and their scores."""
