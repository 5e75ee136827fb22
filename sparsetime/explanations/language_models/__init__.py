"""Explanations by language models: readers, prompts, strict parsing, and tests of explanations."""
