"""Public names of `st.steering`, each imported when it is first used."""

from . import edits as edits
from .steer import ablate as ablate
from .steer import steer as steer
from .steered import Steered as Steered
