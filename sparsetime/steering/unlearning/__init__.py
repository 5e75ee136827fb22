"""Unlearning: weights of a model changed so that chosen features no longer fire."""
