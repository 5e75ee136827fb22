"""The timeline of one sequence."""
