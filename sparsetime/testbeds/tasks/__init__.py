"""Tasks of language models: clean and corrupted prompts, answers, and positions by role."""
