"""Cost by layer and step over the timeline."""
