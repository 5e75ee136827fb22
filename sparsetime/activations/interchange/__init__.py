"""Stores as other libraries read them: Arrow, datasets of PyTorch, Ray."""
