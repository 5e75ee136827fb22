"""Sequence models built of views, mixers, channels and heads, whose states and reads are sites."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
