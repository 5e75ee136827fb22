"""Public names of `st.steering`, each imported when it is first used."""

from . import edits as edits
from .echo import Echo as Echo
from .effects import EffectsByLag as EffectsByLag
from .effects import effects as effects
from .response import LagCurve as LagCurve
from .response import Response as Response
from .steer import ablate as ablate
from .steer import steer as steer
from .steered import Steered as Steered
