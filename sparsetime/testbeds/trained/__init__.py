"""Small models that are trained on first use, each with the world that it was trained on."""
