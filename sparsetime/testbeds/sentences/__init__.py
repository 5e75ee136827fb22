"""Sentence testbed: SmolLM2-135M-Instruct on labelled English sentences of sae-probes."""
