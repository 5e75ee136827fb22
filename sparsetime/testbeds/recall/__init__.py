"""Recall testbed: pairs of key and value in noise, which are asked for later; for any mixer."""
