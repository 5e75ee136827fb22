"""Distributions of sparsity over matrices: uniform, ERK, global; one file each."""
