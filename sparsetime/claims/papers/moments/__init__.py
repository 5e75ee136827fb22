"""Claims about moments: which frames or spans of a long sequence are found."""
