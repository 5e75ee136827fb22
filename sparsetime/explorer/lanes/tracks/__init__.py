"""Label and event tracks over the timeline."""
