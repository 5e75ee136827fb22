"""Programs that are compiled to transformers, a file each."""
