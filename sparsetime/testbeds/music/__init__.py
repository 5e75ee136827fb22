"""Made music: recordings whose notes are known."""
