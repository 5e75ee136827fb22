"""Batches for training: shuffled rows, pairs at a lag, and windows of contiguous time steps."""
