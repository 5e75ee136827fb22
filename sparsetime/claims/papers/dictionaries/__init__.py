"""Claims of the papers, each checked here: one file a claim.

A new file in this folder with a function under `@claim(...)` is a new claim: nothing else needs to
know of it.
"""
