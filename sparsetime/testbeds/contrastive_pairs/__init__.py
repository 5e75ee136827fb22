"""Contrastive pairs: two texts about one subject that differ in one respect."""
