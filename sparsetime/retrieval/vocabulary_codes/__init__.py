"""Learned sparse retrieval: codes over a vocabulary, their training, and ranking at a cost."""
