"""Public names of `st.circuits`, each imported when it is first used."""

from .attribution_graph import AttributionGraph as AttributionGraph
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
