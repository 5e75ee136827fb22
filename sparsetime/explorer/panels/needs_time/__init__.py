"""How much of a feature's activation changes when steps of the input change places."""
