"""Bases: what can be said of the target without the code. A file here is a part."""

from sparsetime.dictionaries.bases.base import Base
from sparsetime.dictionaries.bases.frozen import FrozenBase
from sparsetime.dictionaries.bases.linear import LinearBase

__all__ = ["Base", "FrozenBase", "LinearBase"]
