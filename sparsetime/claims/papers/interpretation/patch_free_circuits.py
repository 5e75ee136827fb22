"""Patch-free circuit discovery: contributions of dictionary features to logits of Othello."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.circuits.nodes import FEATURE, TARGET
from sparsetime.circuits.targets import logit
from sparsetime.circuits.trace import circuit
from sparsetime.circuits.verify import rank_correlation
from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.trained.othello import othello_model, othello_tokens
from sparsetime.testbeds.trained.othello_games import MOVES, othello_games

#: All that writes to the residual stream but the embedding, whose tokens are nodes themselves.
ATTENTION = tuple(f"model.layers.{layer}.self_attn" for layer in (0, 1))
MLPS = tuple(f"model.layers.{layer}.mlp" for layer in (0, 1))
WIDTH, K, ROWS = 192, 8, 30_000
GAMES, TRACED, NODES, TOP, DRAWS = 1_500, 40, 64, 4, 4


@claim(
    "patch_free_circuits",
    system=236,
    says="Contributions of features to the logit of the likeliest move add up to it, and ablating "
    "the largest contributors changes it more than ablating as many other active features does.",
    data="a causal transformer of 2 layers trained on random games of Othello on 6 by 6 squares; "
    "dictionaries of both attention outputs and both MLP outputs; 40 positions of other games",
    expects=[
        AtMost("largest miss of a logit", than=1e-4),
        Less("change by other features", than="change by top contributors"),
        AtLeast("share of positions where top contributors change it most", than=0.6),
        Less("rank correlation, exchanged", than="rank correlation of contribution and change"),
    ],
    seconds=50,
    rule="In a small Othello-GPT, contributions traced from a logit add up to it, and top "
    "contributors matter most when ablated.",
    notes="A proxy: 2 layers, a small board, and transcoders for MLP outputs. A logit is taken "
    "less the mean logit; its parts are features, errors of the dictionaries, tokens and biases, "
    "and the miss is relative to the sum of their absolute values. Contributors are active "
    "features of the last step; the changes are absolute, and measured in the model as it is.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A dictionary of each of four sites; one graph a position, without patched passes."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which contributions are exchanged among the active features."""
    model, legal = _model()
    saes = _dictionaries(lab, seed)
    rng = seeds.numpy_generator(seed, "random choice")
    games, _ = othello_games(TRACED, seed=1_000 + seed)
    misses, top, others, contributions, changes = [], [], [], [], []
    for tokens in othello_tokens(games):
        ids = tokens[: int(rng.integers(MOVES // 3, MOVES))]
        with torch.no_grad():
            logits = model.model(input_ids=ids[None]).logits[0, -1].double()
        best = int(logits.argmax())
        graph = circuit(model, saes, ids, logit(best), nodes=NODES)
        parts = graph.weights[graph.of_kind(TARGET)][0].double()
        value = float(logits[best] - logits.mean())
        misses.append(abs(float(parts.sum()) - value) / float(parts.abs().sum()))
        nodes = (graph.of_kind(FEATURE) & (parts != 0)).nonzero()[:, 0].numpy()
        sizes = parts[nodes].abs().numpy()
        if permuted:
            sizes = rng.permutation(sizes)
        order = nodes[np.argsort(-sizes, kind="stable")]
        drawn = [rng.choice(order[TOP:], TOP, replace=False) for _ in range(DRAWS)]
        groups = [[int(node)] for node in nodes]
        groups += [one.tolist() for one in (order[:TOP], *drawn)]
        table = graph.verify(groups).table
        measured = np.abs(table["measured"].to_numpy())
        top.append(measured[len(nodes)])
        others.append(measured[len(nodes) + 1 :])
        contributions.append(sizes)
        changes.append(measured[: len(nodes)])
    pairs = [
        (torch.from_numpy(a), torch.from_numpy(b))
        for a, b in zip(contributions, changes, strict=True)
    ]
    return {
        "largest miss of a logit": max(misses),
        "change by top contributors": float(np.mean(top)),
        "change by other features": float(np.mean(others)),
        "share of positions where top contributors change it most": float(
            np.mean([one > other.max() for one, other in zip(top, others, strict=True)])
        ),
        "rank correlation of contribution and change": float(
            np.mean([rank_correlation(a, b) for a, b in pairs])
        ),
        "rank correlation, exchanged": float(
            np.mean(
                [
                    rank_correlation(a[torch.from_numpy(rng.permutation(len(a)))], b)
                    for a, b in pairs
                ]
            )
        ),
        "share of legal moves of the model": legal,
    }


def _dictionaries(lab: Lab, seed: int) -> dict[str, Dictionary]:
    """An SAE of each attention's output, and a transcoder of each MLP."""
    found = {}
    rows = _rows()
    for site in ATTENTION:
        sae = dictionary("topk", d_in=rows[site].shape[1], width=WIDTH, k=K, seed=seed)
        found[site] = lab.train(sae, rows[site], rows=ROWS, seed=seed)
    for site in MLPS:
        both = {"x": rows[f"{site}:input"], "target": rows[site]}
        transcoder = dictionary("transcoder", d_in=rows[site].shape[1], width=WIDTH, k=K, seed=seed)
        found[site] = lab.train(transcoder, both, rows=ROWS, seed=seed)
    return found


@cache
def _rows() -> dict[str, Float[Tensor, "rows d"]]:
    """What each site has at all steps but the first, of games that no position is of."""
    games, _ = othello_games(GAMES, seed=500)
    model, _ = _model()
    sites = (*ATTENTION, *MLPS, *(f"{site}:input" for site in MLPS))
    with torch.no_grad(), recording(model.model, sites) as activations:
        model.model(input_ids=othello_tokens(games))
    return {site: activations[site][:, 1:].flatten(0, 1) for site in sites}


@cache
def _model() -> tuple[LoadedModel, float]:
    model, record = othello_model()
    return model, float(record["measured"]["legal"])
