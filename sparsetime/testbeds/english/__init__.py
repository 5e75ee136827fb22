"""English testbed: SmolLM2-135M-Instruct, tasks with clean and corrupted prompts, and its rows."""
