"""p-annealing against ReLU with L1: FVU at equal L0."""

from sparsetime.claims.claim import UNTRAINED, Lab, Less, Within, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

L0, WIDTH, ROWS = 32, 512, 40_000
#: Setting that decides each recipe's L0, and the range in which it is searched.
SEARCHED = {"p_annealing": ("lp", 0.02, 0.6), "relu_l1": ("l1", 0.05, 0.4)}


@claim(
    "p_annealing",
    says="At equal L0 a penalty whose power falls in training gives a lower FVU than L1.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU of p_annealing", than="FVU of relu_l1"),
        Within("L0 of p_annealing", of="L0 of relu_l1", tolerance=0.1),
    ],
    notes="The paper's models play chess and Othello; a model of English stands in for them.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The weight of each penalty is searched on tuning documents."""
    real = lab.real()
    values = {}
    for recipe in SEARCHED:
        sae = _at_equal_l0(recipe, lab, real, seed)
        values[f"FVU of {recipe}"] = lab.fvu(sae, real.held_out)
        values[f"L0 of {recipe}"] = lab.l0(sae, real.held_out)
    return values


def _at_equal_l0(recipe: str, lab: Lab, real: Splits, seed: int) -> Dictionary:
    """Trained dictionary with the weight that gives the target L0."""
    setting, low, high = SEARCHED[recipe]

    def make(weight: float, seed: int = lab.tuning_seed) -> Dictionary:
        settings = {setting: weight}
        return dictionary(recipe, d_in=real.d, width=WIDTH, seed=seed, **settings)

    weight = lab.match_l0(make, L0, real.train, real.tuning, rows=ROWS, low=low, high=high)
    return lab.train(make(weight, seed), real.train, rows=ROWS, seed=seed)
