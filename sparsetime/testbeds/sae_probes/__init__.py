"""Text tables of sae-probes, read from its wheel."""
