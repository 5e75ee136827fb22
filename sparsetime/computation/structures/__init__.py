"""Structures of masks: free, N:M, constant fan-in, groups, blocks, rows; one file each."""
