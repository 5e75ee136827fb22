"""Association of features with the labels of a store."""
