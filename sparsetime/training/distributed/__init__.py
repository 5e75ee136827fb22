"""Training on several processes: latents and rows divided over a mesh of torch.distributed."""
