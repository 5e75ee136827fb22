"""Long made sequences with planted events that a query is like."""
