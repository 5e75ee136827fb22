"""Public names of `st.statistics`, each imported when it is first used."""

from .estimate import Estimate as Estimate
from .estimate import bootstrap as bootstrap
from .estimate import mean_over_features as mean_over_features
from .estimate import median_over_features as median_over_features
from .fvu import FvuSums as FvuSums
from .fvu import fvu as fvu
from .linear_probe import ProbeResult as ProbeResult
from .linear_probe import ProbeSplit as ProbeSplit
from .linear_probe import probe as probe
from .linear_probe import probe_split as probe_split
from .nulls import circular_shift as circular_shift
from .nulls import random_atoms as random_atoms
from .nulls import random_code as random_code
from .nulls import shuffled_steps as shuffled_steps
from .pooling import pooled as pooled
from .sparse_probe import k_sparse_probe as k_sparse_probe
from .sparse_probe import sequence_split as sequence_split
