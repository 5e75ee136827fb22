"""Instruction testbed: requests with format instructions in several wordings, and compliance."""
