"""Circuits: attribution graphs over features and time, and attribution patching."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
