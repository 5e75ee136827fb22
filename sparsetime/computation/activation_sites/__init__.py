"""Sites of activations that a plan leaves out: linear inputs, neurons, gates; one a file."""
