"""Steering judged: arms at their best doses, beside baselines and nulls."""
