"""Progressive gradient flow: N:M masks that fade in."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "fading",
    title="Progressive gradient flow",
    paper="Bambhaniya et al. 2024, Progressive Gradient Flow for Robust N:M Sparsity Training in "
    "Transformers, arXiv:2402.04744",
    idea="Removed weights are scaled towards zero over training, so that their gradients fade.",
    claim="Up to 2% better than straight-through N:M training at high sparsity.",
    source_of_defaults="The linear decay of masks (MDGF-Linear); `until` is the user's.",
    cost="That of dense training, and a sort of every group at every step.",
    system=62,
)
def fading(m: int = 4, until: int = 1000) -> WeightPlan:
    """`m`: length of a group; N follows from the sparsity. `until`: step at which masks are 0/1."""
    rule = {"kind": "faded", "until": until}
    return WeightPlan(
        "magnitude", {"kind": "n_m", "m": m}, schedule="refreshed", gradient_rule=rule
    )
