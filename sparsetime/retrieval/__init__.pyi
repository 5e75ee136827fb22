"""Public names of `st.retrieval`, each imported when it is first used."""

from .classify import Classification as Classification
from .classify import classify as classify
from .code_search import CodeSearch as CodeSearch
from .code_search import Hit as Hit
from .code_search import search as search
