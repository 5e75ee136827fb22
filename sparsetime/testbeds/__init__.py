"""Testbeds: activations over time of which the truth is known."""
