"""Lead and lag: features that begin shortly before a feature and after it."""
