"""Matches of features between dictionaries, in two columns or as a flow over several."""
