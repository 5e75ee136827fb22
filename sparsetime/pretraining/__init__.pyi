"""Public names of `st.pretraining`, each imported when it is first used."""

from .masks.mask import Mask as Mask
from .objective import PretrainingObjective as PretrainingObjective
from .objective import compose_objective as compose_objective
from .objectives.pretraining_term import PretrainingTerm as PretrainingTerm
from .pairs.pair import Pair as Pair
from .pairs.pair import PairSampler as PairSampler
from .pretrain import PretrainingRun as PretrainingRun
from .pretrain import pretrain as pretrain
from .pretrain_config import PretrainConfig as PretrainConfig
from .pretraining_pass import PretrainingPass as PretrainingPass
from .recipes.card import PretrainingCard as PretrainingCard
from .recipes.card import pretraining_objective as pretraining_objective
