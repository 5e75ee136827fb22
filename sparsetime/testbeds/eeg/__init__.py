"""Made EEG: recordings with planted rhythms and events."""
