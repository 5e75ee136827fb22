"""Models: any torch module, loaded by name or folder, its sites, and hooks that read them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
