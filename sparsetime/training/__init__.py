"""Training: one loop over a Trainable, which is a dictionary or any torch module."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
