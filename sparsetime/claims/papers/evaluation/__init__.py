"""Claims of family B: what evaluations of dictionaries are said to show; one file a claim."""
