"""A small patch transformer, years of footfall in a city, and what every step of them is."""
