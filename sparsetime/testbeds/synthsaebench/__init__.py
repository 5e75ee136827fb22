"""SynthSAEBench: synthetic activations with hierarchy and correlations, endless and in order."""
