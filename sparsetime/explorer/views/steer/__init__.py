"""Steer: a prompt continued with edited features and without."""
