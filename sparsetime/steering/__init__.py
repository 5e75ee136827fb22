"""Steering: edits of codes over spans of time, in any model, and their effects over time."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
