"""How good a dictionary is: figures with a definition, a range and a source."""
