"""Saved circuits: nodes by step and layer, pruned in the page, with their ablations."""
