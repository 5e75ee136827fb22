"""Terms of pretraining objectives; one kind a file."""
