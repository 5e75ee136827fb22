"""The activation store: shards on disk, their manifest, readers and writers."""
