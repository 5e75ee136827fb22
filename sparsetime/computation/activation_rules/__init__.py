"""Rules that keep activations: a threshold, the largest of a step, a predictor; one file each."""
