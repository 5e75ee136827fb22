"""Features along time: their codes in order, their timescales, and the index that finds them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
