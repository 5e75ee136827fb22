"""Sparse attention on any model: policies, the doors by which they attach, and equal budgets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
