"""Skip connections: predictions of the target without the code. A file here is a component.

`frozen` is imported by name where it is used, because it holds a whole dictionary.
"""

from sparsetime.dictionaries.skip_connections.linear import LinearSkip
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection

__all__ = ["LinearSkip", "SkipConnection"]
