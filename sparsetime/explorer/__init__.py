"""Explorer: the workbench that reads a run, its server, its web pages, and the export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
