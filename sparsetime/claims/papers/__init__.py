"""Claims of papers, one folder for each family of systems, one file for each claim."""
