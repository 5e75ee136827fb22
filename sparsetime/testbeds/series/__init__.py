"""Series testbed: a small patch transformer and years of pedestrian counts, with labels."""
