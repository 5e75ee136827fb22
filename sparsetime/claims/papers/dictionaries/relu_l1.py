"""ReLU with L1 on MLP neurons: correlation of latents and of neurons with labels of tokens."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.recipes import dictionary

WIDTH, ROWS, L1 = 1024, 60_000, 0.1
NEURONS = "model.layers.1.mlp.down_proj:input"
LABELS = ("kind", "keyword", "operator", "role")
FEWEST = 100  # tokens with a label, in each part


@claim(
    "relu_l1",
    says="Single latents of a sparse dictionary of an MLP's neurons correlate better with labels "
    "of tokens than the best single neurons.",
    data="neurons of the code model's second MLP; its tokens' kinds, keywords, operators, roles",
    expects=[Less("best neuron's correlation", than="best latent's correlation")],
    notes="The paper's judges are people; here labels from Python's own parser stand in for them.",
    seconds=60,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """For every label: the column that correlates best on tuning rows, on held-out rows."""
    neurons = lab.code(NEURONS)
    sae = lab.train(
        dictionary("relu_l1", d_in=neurons.d, width=WIDTH, l1=L1, seed=seed),
        neurons.train, rows=ROWS, seed=seed,
    )  # fmt: skip
    tuning, held_out = _labels(neurons)
    latents = [
        torch.cat([sae.encode(x).dense() for x in part.split(4096)])
        for part in (neurons.tuning, neurons.held_out)
    ]
    return {
        "best latent's correlation": _best(latents[0], tuning, latents[1], held_out),
        "best neuron's correlation": _best(neurons.tuning, tuning, neurons.held_out, held_out),
        "L0": lab.l0(sae, neurons.held_out),
        "FVU": lab.fvu(sae, neurons.held_out),
    }


def _labels(neurons: Splits) -> tuple[Float[Tensor, "tuning labels"], Float[Tensor, "held labels"]]:
    """A column for every value of a label that is common enough in both parts."""
    stores = (neurons.tuning_store, neurons.held_out_store)
    steps = [store.steps(list(LABELS)).to_pydict() for store in stores]
    columns = []
    for label in LABELS:
        for value in sorted({str(v) for v in steps[0][label] if v is not None}):
            has_label = [
                torch.tensor([str(v) == value for v in part[label]]).float() for part in steps
            ]
            if min(int(side.sum()) for side in has_label) >= FEWEST:
                columns.append(has_label)
    return torch.stack([c[0] for c in columns], 1), torch.stack([c[1] for c in columns], 1)


def _best(
    tuning: Float[Tensor, "tuning columns"],
    tuning_labels: Float[Tensor, "tuning labels"],
    held_out: Float[Tensor, "held columns"],
    held_out_labels: Float[Tensor, "held labels"],
) -> float:
    chosen = _correlations(tuning, tuning_labels).abs().argmax(0)
    measured = _correlations(held_out, held_out_labels).abs()
    return float(measured[chosen, torch.arange(len(chosen))].mean())


def _correlations(
    x: Float[Tensor, "rows columns"], y: Float[Tensor, "rows labels"]
) -> Float[Tensor, "columns labels"]:
    x, y = x - x.mean(0), y - y.mean(0)
    lengths: Tensor = x.norm(dim=0)[:, None] * y.norm(dim=0)
    correlations: Tensor = (x.T @ y) / lengths.clamp_min(1e-12)
    return correlations
