"""Retrieval: pooled codes of segments, to classify them and to search among them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
