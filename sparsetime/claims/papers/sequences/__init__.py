"""Claims about sequence models: mixers, memories, state spaces."""
