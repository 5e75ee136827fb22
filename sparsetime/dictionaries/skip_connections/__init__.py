"""Bases: what can be said of the target without the code. A file here is a part."""

from sparsetime.dictionaries.skip_connections.frozen import FrozenBase
from sparsetime.dictionaries.skip_connections.linear import LinearBase
from sparsetime.dictionaries.skip_connections.skip_connection import Base

__all__ = ["Base", "FrozenBase", "LinearBase"]
