"""Replacing traces: hidden on-off states behind unreliable emissions."""

from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.dictionaries.state.wrap_stateful import wrap_stateful
from sparsetime.testbeds import linear_readout, tempbench

D, WIDTH, K, DECAY, ROWS = 40, 40, 8, 0.6, 60_000


@claim(
    "replacing_trace",
    says="States that are seen five steps in eight are read from its codes, by a linear readout on "
    "held-out sequences, with a higher correlation than from those of BatchTopK with the same "
    "weights, and from leaky means of them with the same decay.",
    data="TempBench's bed of Markov supports, 240 sequences; held-out sequences",
    expects=[
        Less("correlation, BatchTopK", than="correlation, replacing trace"),
        Less("correlation, leaky mean", than="correlation, replacing trace"),
    ],
    seconds=15,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Pearson's correlation with each state, mean over states."""
    bed = tempbench("markov_supports", seed=seed, sequences=240)
    half = bed.activations[: len(bed.activations) // 2]
    sae = dictionary("replacing_trace", d_in=D, width=WIDTH, k=K, decay=DECAY, seed=seed)
    lab.train(sae, half, rows=ROWS, batch=512, seed=seed)
    plain = dictionary("batch_topk", d_in=D, width=WIDTH, k=K, seed=seed)
    lab.train(plain, half, rows=ROWS, batch=512, seed=seed)
    codes = {
        "replacing trace": sae,
        "BatchTopK": plain,
        "leaky mean": wrap_stateful(plain, "leaky_mean", decay=DECAY),
    }
    return {
        f"correlation, {name}": linear_readout(sae.encode(bed.activations).dense().numpy(), bed)
        for name, sae in codes.items()
    }
