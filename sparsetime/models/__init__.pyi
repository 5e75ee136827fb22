"""Public names of `st.models`, each imported when it is first used."""

from .chat_template import ChatText as ChatText
from .chat_template import chat_text as chat_text
from .hooks import recording as recording
from .load import LoadedModel as LoadedModel
from .load import load_model as load_model
from .model_hash import model_hash as model_hash
from .model_hash import same_model as same_model
from .site_patterns import matching_sites as matching_sites
from .sites import Site as Site
from .sites import resolve_site as resolve_site
from .untrained import untrained_copy as untrained_copy
from .weight_hash import weight_hash as weight_hash
