"""Claims of family D: features put to use, in retrieval and steering; one file a claim."""
