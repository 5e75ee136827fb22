"""Ways to find moments; one kind a file."""
