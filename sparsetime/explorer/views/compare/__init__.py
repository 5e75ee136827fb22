"""Two dictionaries compared, atom by atom."""
