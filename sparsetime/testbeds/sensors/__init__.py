"""Recordings of worn sensors, read out of a package that carries them."""
