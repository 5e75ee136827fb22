"""Claims of family C: features, circuits and representations of models; one file a claim."""
