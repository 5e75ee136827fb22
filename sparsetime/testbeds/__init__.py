"""Testbeds: activations over time with known labels or known features."""
