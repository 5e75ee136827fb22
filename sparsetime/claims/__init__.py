"""Claims of papers, the lab in which they are checked, and the rule that judges them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
