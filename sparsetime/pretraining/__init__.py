"""Pretraining of sequence models without labels: objectives over time, masks, pairs, the run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
