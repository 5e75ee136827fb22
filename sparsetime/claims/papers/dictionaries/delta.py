"""Delta dictionary: fewer changes of the code a step than BatchTopK at no higher FVU."""

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.claims.lab.code_changes import code_changes
from sparsetime.dictionaries.dictionary import Dictionary

PLANTED_WIDTH, PLANTED_K, PLANTED_K_INSIDE, TOLERANCE = 256, 12, 16, 0.02
WIDTH, K, ROWS = 1024, 32, 50_000
SERIES_WIDTH, SERIES_K = 192, 8  # of 96 dimensions


@claim(
    "delta",
    says="At no higher FVU than BatchTopK's, at most 70% as many activations change from a step to "
    "the next where features persist, and fewer on code, prose and series too.",
    data="planted features whose dwell is 1 to 500 steps; a small language model of Python, layer "
    "1; MiniLM layer 3; a patch transformer of street counts; held-out sequences",
    expects=[
        AtMost("FVU of delta, planted", than="FVU of BatchTopK, planted"),
        AtMost("changes of delta, planted", than="changes of BatchTopK, planted", times=0.7),
        AtMost("FVU of delta, code", than="FVU of BatchTopK, code"),
        Less("changes of delta, code", than="changes of BatchTopK, code"),
        AtMost("FVU of delta, prose", than="FVU of BatchTopK, prose"),
        Less("changes of delta, prose", than="changes of BatchTopK, prose"),
        AtMost("FVU of delta, series", than="FVU of BatchTopK, series"),
        Less("changes of delta, series", than="changes of BatchTopK, series"),
    ],
    notes="On code, prose and series one dictionary is used with and without delta, at tolerance "
    "zero. Neighbouring tokens share a tenth of their latents, so little that keeping more of them "
    "costs more FVU than a smaller k. It holds of untrained dictionaries too, as the null shows: "
    "what changes less is any code that is kept from step to step, not one that was learnt.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Changes: mean number of latents whose activation differs from the step before."""
    values = {}

    def measure(name: str, sae: Dictionary, sequences: Iterable[Float[Tensor, "time d"]]) -> None:
        measured = code_changes(sae, sequences)
        values[f"FVU of {name}"] = measured.fvu
        values[f"changes of {name}"] = measured.changes

    planted = lab.planted(seed)
    for name, recipe, settings in (
        ("BatchTopK", "batch_topk", {"k": PLANTED_K}),
        ("delta", "delta", {"k": PLANTED_K_INSIDE, "tolerance": TOLERANCE}),
    ):
        sae = st.dictionary(recipe, d_in=planted.d, width=PLANTED_WIDTH, seed=seed, **settings)
        lab.train(sae, planted.train, rows=ROWS, seed=seed)
        measure(f"{name}, planted", sae, planted.held_out_sequences)
    for where, data, width, k in (
        ("code", lab.code(), WIDTH, K),
        ("prose", lab.real(), WIDTH, K),
        ("series", lab.series(), SERIES_WIDTH, SERIES_K),
    ):
        sae = st.dictionary("batch_topk", d_in=data.d, width=width, k=k, seed=seed)
        lab.train(sae, data.train, rows=ROWS, seed=seed)
        measure(f"BatchTopK, {where}", sae, data.held_out_sequences)
        held = st.wrap_stateful(sae, "delta", tolerance=0.0)
        measure(f"delta, {where}", held, data.held_out_sequences)
    return values
