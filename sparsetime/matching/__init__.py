"""Matching: features of layers, seeds, models and checkpoints, with nulls of shifted time."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
