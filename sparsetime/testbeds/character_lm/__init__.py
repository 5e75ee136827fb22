"""Small language models of characters, trained in seconds with any activation function."""
