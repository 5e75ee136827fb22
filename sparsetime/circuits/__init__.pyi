"""Public names of `st.circuits`, each imported when it is first used."""

from .attribute import attribute as attribute
from .attribution_graph import AttributionGraph as AttributionGraph
from .faithfulness import Faithfulness as Faithfulness
from .faithfulness import faithfulness as faithfulness
from .head_effects import exchanged_metric as exchanged_metric
from .head_effects import head_effects as head_effects
from .metrics import probability as probability
from .node_effects import NodeEffects as NodeEffects
from .path_effects import path_effects as path_effects
from .replacement import Replacement as Replacement
from .saved import open_circuit as open_circuit
from .score_attribution import ScoreAttribution as ScoreAttribution
from .score_attribution import score_attribution as score_attribution
from .scores import Scores as Scores
from .shift import GroupAccuracy as GroupAccuracy
from .shift import ShiftScores as ShiftScores
from .shift import classifier_effects as classifier_effects
from .shift import latents_of_label as latents_of_label
from .shift import shift as shift
from .targets import Target as Target
from .targets import feature as feature
from .targets import logit as logit
from .targets import logit_difference as logit_difference
from .targets import onset as onset
from .trace import circuit as circuit
from .verify import Verification as Verification
