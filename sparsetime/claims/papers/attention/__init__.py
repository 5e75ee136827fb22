"""Claims of family E: what sparse attention is said to read, keep and save; one file a claim."""
