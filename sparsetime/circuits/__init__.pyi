"""Public names of `st.circuits`, each imported when it is first used."""

from .attribute import attribute as attribute
from .attribution_graph import AttributionGraph as AttributionGraph
from .head_effects import exchanged_metric as exchanged_metric
from .head_effects import head_effects as head_effects
from .metrics import probability as probability
from .node_effects import NodeEffects as NodeEffects
from .replacement import Replacement as Replacement
from .saved import open_circuit as open_circuit
from .scores import Scores as Scores
from .targets import Target as Target
from .targets import feature as feature
from .targets import logit as logit
from .targets import logit_difference as logit_difference
from .targets import onset as onset
from .trace import circuit as circuit
from .verify import Verification as Verification
