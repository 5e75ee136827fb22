"""Capture: run a model over documents and write activations of its sites to a store."""
