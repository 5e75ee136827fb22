"""Public names of `st.interop`, each imported when it is first used."""

from .convert import convert as convert
from .foreign_format import ForeignFormat as ForeignFormat
from .load import formats as formats
from .load import load as load
from .plain_weights import PlainWeights as PlainWeights
