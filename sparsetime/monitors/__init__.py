"""Monitors: features as alarms on a stream or a running model, with drift of firing rates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
