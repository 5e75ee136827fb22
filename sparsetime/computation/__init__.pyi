"""Public names of `st.computation`, each imported when it is first used."""

from .model_data import model_batches as model_batches
from .named_plan import plan_from_config as plan_from_config
from .plan import Plan as Plan
from .recipes.card import PlanCard as PlanCard
from .report import MatrixReport as MatrixReport
from .report import SparsityReport as SparsityReport
from .serialise import open_sparse as open_sparse
from .sparse import Sparse as Sparse
from .sparsify import sparsify as sparsify
from .weight_matrices import weight_matrices as weight_matrices
from .weight_plan import WeightPlan as WeightPlan
