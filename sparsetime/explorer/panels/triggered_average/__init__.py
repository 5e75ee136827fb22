"""Mean input when a feature fires, against shifted activity, and its amplitude spectrum."""
