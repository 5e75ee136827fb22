"""Moments: steps and spans of sequences that a query, a search or a surprise points out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
