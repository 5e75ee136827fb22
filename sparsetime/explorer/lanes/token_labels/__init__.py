"""Words or times over the rows of the timeline."""
