"""The leaderboard: recipes trained at equal budgets on the testbeds, and compared."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
