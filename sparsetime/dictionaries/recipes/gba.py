"""Group bias adaptation (GBA): thresholds that hold groups of latents at target firing rates."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.firing_rate_bias import FiringRateBias


@recipe(
    "gba",
    title="Group Bias Adaptation (GBA)",
    paper="Chen et al. 2025, Taming Polysemanticity in LLMs: Provable Feature Recovery via Sparse "
    "Autoencoders, arXiv:2506.14002",
    idea="No penalty and no k: thresholds are adapted until each group of latents fires at its "
    "target rate, some groups often, others rarely.",
    claim="On sparse mixtures it recovers nearly all features, the same from seed to seed, and "
    "groups fire at their target rates.",
    source_of_defaults="Frequencies fall by half from group to group and sum to k; written from "
    "the abstract.",
    cost="As TopK: thresholds select, and their adaptation costs little.",
    system=47,
)
def gba(
    d_in: int,
    width: int,
    k: int = 32,
    groups: int = 4,
    ratio: float = 0.5,
    pace: float = 0.1,
) -> Dictionary:
    """`groups`: number of groups; `ratio`: a group's frequency over that of the group before.

    Dead latents need no auxiliary loss: their thresholds fall until they fire.
    """
    shares = [ratio**group for group in range(groups)]
    highest = k * groups / (width * sum(shares))
    frequencies = tuple(min(0.5, highest * share) for share in shares)
    return Dictionary(
        LinearEncoder(d_in, width),
        FiringRateBias(width, frequencies, pace),
        UnitNormDecoder(width, d_in),
        Objective([MSE()]),
    )
