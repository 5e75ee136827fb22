"""Estimates with intervals and nulls; nothing here needs a model or a store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
