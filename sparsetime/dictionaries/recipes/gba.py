"""GBA: groups of latents with a firing rate each, held there by their thresholds."""

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
    idea="No penalty and no k: thresholds are moved until each group of latents fires as often as "
    "it should, some groups often, others rarely.",
    claim="On sparse mixtures it recovers nearly all features, the same from seed to seed, and "
    "groups fire at their targets.",
    source_of_defaults="Frequencies fall by half from group to group and sum to k; written from "
    "the abstract.",
    cost="As TopK: thresholds select, and what moves them costs little.",
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
    """`groups`: how many; `ratio`: a group's frequency over that of the group before.

    Silent latents need no further task: their thresholds fall until they fire.
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
