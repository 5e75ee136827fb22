"""Gradient rules of thinned weights: masked, straight-through, faded, both ways; one file each."""
