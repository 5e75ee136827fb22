"""Public names of `st.computation`, each imported when it is first used."""

from .activation_plan import ActivationPlan as ActivationPlan
from .bit_plan import BitPlan as BitPlan
from .bounded_sparsity import BoundedSparsity as BoundedSparsity
from .bounded_sparsity import bounded_sparsity as bounded_sparsity
from .compiled import CompiledCopy as CompiledCopy
from .compiled import CompiledMap as CompiledMap
from .cost import cost as cost
from .cost_table import CostTable as CostTable
from .energy import Energy as Energy
from .energy import energy as energy
from .knee import Knee as Knee
from .knee import knee as knee
from .loss_increase import loss_increase as loss_increase
from .model_data import model_batches as model_batches
from .named_plan import plan_from_config as plan_from_config
from .output_errors import output_errors as output_errors
from .plan import Plan as Plan
from .recipes.card import PlanCard as PlanCard
from .report import MatrixReport as MatrixReport
from .report import SparsityReport as SparsityReport
from .serialise import open_sparse as open_sparse
from .sparse import Sparse as Sparse
from .sparsify import sparsify as sparsify
from .time_plan import TimePlan as TimePlan
from .weight_matrices import weight_matrices as weight_matrices
from .weight_plan import WeightPlan as WeightPlan
