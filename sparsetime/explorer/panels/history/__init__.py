"""A feature over the training, from snapshots."""
