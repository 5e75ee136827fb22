"""Effects of edits by lag, with the band of the null."""
