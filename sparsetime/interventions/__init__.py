"""Interventions: forward passes of a model with activations replaced at a site."""
