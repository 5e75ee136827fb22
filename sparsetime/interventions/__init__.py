"""Interventions: forward passes of a model with activations replaced at a site."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
