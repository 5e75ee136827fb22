"""Explanations: rules and texts that say when a feature fires, with their held-out scores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
