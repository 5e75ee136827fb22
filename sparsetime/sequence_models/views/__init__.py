"""Views: how a sequence becomes vectors over time; one kind a file."""
