"""Scores of weights: magnitude, with inputs, with gradients, random; one file each."""
