"""CRISP: a concept's features suppressed by a low-rank change of weights, without hooks."""

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.logits import next_token_logits
from sparsetime.steering.unlearning.unlearn import unlearn

SITE = "model.layers.1"
WIDTH, K, ROWS = 768, 16, 30_000
WINDOW, WINDOWS = 32, 256
COUNT, RANK, STEPS, RATE, KEEP, KL = 16, 4, 60, 3e-3, 1.0, 1.0
TOLERANCE = 0.02


@claim(
    "concept_unlearning",
    system=175,
    says="After a rank-4 update of one MLP, without hooks, the features of docstrings fire less "
    "than half as strongly on held-out docstrings, next-token accuracy there drops, and the loss "
    "on other code rises by at most 2%, and by less than half as much as on docstrings.",
    data="the Python-source model, layer 1 of 4; the concept is docstrings, held-out documents",
    expects=[
        Less("activation, after", than="activation, before", times=0.5),
        Less("accuracy on docstrings, after", than="accuracy on docstrings, before"),
        Less("increase in loss elsewhere", than="increase in loss on docstrings", times=0.5),
        AtMost("increase in loss elsewhere", than=TOLERANCE),
    ],
    seconds=60,
    rule="After the update, without hooks, target-concept features and target accuracy drop while "
    "benign-text loss stays within tolerance.",
    notes="The paper forgets hazardous knowledge of large models; docstrings stand for it. "
    "Features are those whose firing rate on training docstrings exceeds that elsewhere by most.",
    null=lambda lab, seed: _values(lab, seed, random=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Windows of 32 tokens that are wholly within docstrings, or without any."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, random: bool = False) -> dict[str, float]:
    """random: the null, in which as many random features are suppressed."""
    code = lab.code(SITE)
    assert code.bed.model is not None
    sae = dictionary("topk", d_in=code.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, code.train, rows=ROWS, seed=seed)
    forget, keep = _windows(code.train_store, seed)
    rng = seeds.numpy_generator(seed, "random choice")
    active = torch.unique(sae.encode(code.tuning).indices).numpy()
    made = unlearn(
        code.bed.model,
        {SITE: sae},
        forget,
        keep,
        features=rng.choice(active, COUNT, replace=False).tolist() if random else None,
        count=COUNT,
        rank=RANK,
        steps=STEPS,
        learning_rate=RATE,
        keep_weight=KEEP,
        kl_weight=KL,
        window=WINDOW,
        windows=WINDOWS,
        seed=seed,
        progress=False,
    )
    docstrings, other = _windows(code.held_out_store, seed)
    base = code.bed.model.model
    before = {"docstrings": _scores(base, docstrings), "elsewhere": _scores(base, other)}
    after = {
        "docstrings": _scores(made.model, docstrings),
        "elsewhere": _scores(made.model, other),
    }
    values = {
        "activation, before": made.measured["activation"][0],
        "activation, after": made.measured["activation"][1],
    }
    for name in before:
        values[f"accuracy on {name}, before"] = before[name][0]
        values[f"accuracy on {name}, after"] = after[name][0]
        values[f"relative drop {'on ' * (name == 'docstrings')}{name}"] = (
            1 - after[name][0] / before[name][0]
        )
        values[f"increase in loss {'on ' * (name == 'docstrings')}{name}"] = (
            after[name][1] / before[name][1] - 1
        )
    return values


def _windows(
    store: Store, seed: int
) -> tuple[Int[Tensor, "some time"], Int[Tensor, "others time"]]:
    """Windows within docstrings, and windows without any, in random order."""
    tokens = token_windows(store, WINDOW)
    inside = token_windows(store, WINDOW, "in_docstring").bool()
    order = torch.randperm(len(tokens), generator=seeds.torch_generator(seed, "random choice"))
    tokens, inside = tokens[order], inside[order]
    return tokens[inside.all(1)][:WINDOWS], tokens[~inside.any(1)][:WINDOWS]


@torch.no_grad()
def _scores(model: torch.nn.Module, tokens: Int[Tensor, "windows time"]) -> tuple[float, float]:
    """Next-token accuracy and loss."""
    right, loss, count = 0.0, 0.0, 0
    for part in tokens.split(32):
        logits, truth = next_token_logits(model, part), part[:, 1:].flatten()
        right += float((logits.argmax(1) == truth).sum())
        loss += float(torch.nn.functional.cross_entropy(logits, truth, reduction="sum"))
        count += len(truth)
    return right / count, loss / count
