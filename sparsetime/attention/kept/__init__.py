"""Attention of one sequence on disk: the strongest pairs of every head, and what policies read."""
