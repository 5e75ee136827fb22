"""Features along time: their codes in order, their timescales, and the index that finds them."""
