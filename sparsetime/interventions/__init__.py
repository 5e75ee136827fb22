"""Interventions: a model run with something changed inside it."""
