"""Metrics of a dictionary: estimates with a specification, and st.evaluate over all of them."""
