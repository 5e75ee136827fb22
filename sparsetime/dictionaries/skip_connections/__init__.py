"""Bases: what can be said of the target without the code. A file here is a part."""

from sparsetime.dictionaries.skip_connections.frozen import FrozenSkip
from sparsetime.dictionaries.skip_connections.linear import LinearSkip
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection

__all__ = ["FrozenSkip", "LinearSkip", "SkipConnection"]
