"""Sources of activations: stores, tensors, named tensors, paired sites, live models."""
