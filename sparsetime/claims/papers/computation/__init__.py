"""Claims of family F: sparse weights, activations and steps; one file a claim."""
