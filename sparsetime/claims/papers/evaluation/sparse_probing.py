"""Sparse probing: properties of one neuron and spread ones, a planted one, shuffled labels."""

from functools import cache

import numpy as np
import torch

from sparsetime import seeds
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.models.hooks import recording
from sparsetime.statistics.linear_probe import ProbeSplit, as_strings, centred, probe_split
from sparsetime.statistics.sparse_probe import k_sparse_probe

SITE = "model.layers.1.mlp.down_proj:input"
SLOW = ("in_string", "in_comment", "in_docstring", "in_condition")
#: Tokens that contain one of these; Ċ stands for a line break in the model's vocabulary.
FAST = {"line break": "Ċ", "digit": "0123456789", "opening bracket": "([{", "underscore": "_"}
LABELS = (*SLOW, *FAST)
KS = (1, 4, 16, 64)
LENGTH = 128
PLANTED, SHIFT = 7, 4.0


@claim(
    "sparse_probing",
    system=249,
    says="Accuracy against k separates properties that one neuron holds from spread ones: some "
    "property reaches at least .8 of the gain in AUROC of 64 neurons with one, and some at most "
    ".6; a planted neuron is found at k = 1, and shuffled labels score chance.",
    data="neurons of the MLP of layer 1 of 4 of the Python-source model, windows of held-out "
    "documents; four labels of Python's parser and four properties of a token",
    expects=[
        AtLeast("largest share of the gain at k = 1", than=0.8),
        AtMost("least share of the gain at k = 1", than=0.6),
        Less("mean AUROC at k = 1", than="mean AUROC at k = 64"),
        AtLeast("planted neuron is the one at k = 1", than=1.0),
        AtLeast("AUROC of the planted neuron", than=0.95),
        AtMost("AUROC of shuffled labels, from chance", than=0.05),
    ],
    seconds=80,
    rule="Probe accuracy against k separates single-neuron properties from spread ones; a planted "
    "one-neuron feature is found at k=1 and shuffled labels score chance.",
    notes="AUROC stands for accuracy, since most labels are rare. Seeds are of the rows that a "
    "probe reads, and of the planted neuron's noise.",
    null=lambda lab, seed: _values(lab, seed, planted=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """One probe a label and k, on rows of alternating blocks of time."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, planted: bool = True) -> dict[str, float]:
    """planted: False for the null: no neuron is planted, and all labels are shuffled."""
    rng = seeds.numpy_generator(seed, "random choice")
    x, labels = _some_windows(_neurons(lab.code()), rng)
    lengths = [LENGTH] * (len(x) // LENGTH)
    by_k: dict[int, list[float]] = {k: [] for k in KS}
    for name in LABELS:
        values = labels[name] if planted else labels[name][rng.permutation(len(x))]
        split = _split(values, lengths, seed)
        matrix = centred(x, split)
        for k in KS:
            by_k[k].append(_auroc(matrix, split, k, seed))
    gains = (np.array(by_k[1]) - 0.5) / (np.array(by_k[64]) - 0.5)
    first = labels[LABELS[0]]
    noise = rng.standard_normal(len(x))
    spread = x[:, PLANTED].std()
    other = x.copy()
    other[:, PLANTED] = spread * (noise + SHIFT * (first == "True") * planted)
    split = _split(first, lengths, seed)
    result, columns = k_sparse_probe(centred(other, split), split, 1, seed)
    shuffled = _split(first[rng.permutation(len(x))], lengths, seed)
    chance = _auroc(centred(x, shuffled), shuffled, KS[-1], seed)
    return {
        "largest share of the gain at k = 1": float(gains.max()),
        "least share of the gain at k = 1": float(gains.min()),
        **{f"mean AUROC at k = {k}": float(np.mean(by_k[k])) for k in KS},
        "planted neuron is the one at k = 1": float(columns[0] == PLANTED),
        "AUROC of the planted neuron": result.auroc or 0.0,
        "AUROC of shuffled labels, from chance": abs(chance - 0.5),
        **dict(zip((f"share of the gain of {one}" for one in LABELS), gains.tolist(), strict=True)),
    }


@cache
def _neurons(code: Splits) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Neurons of every token of windows of held-out documents, and the labels of each."""
    assert code.bed.model is not None
    store = code.held_out_store
    tokens = token_windows(store, LENGTH)
    parts = []
    for batch in tokens.split(16):
        with torch.no_grad(), recording(code.bed.model.model, SITE) as activations:
            code.bed.model.model(input_ids=batch)
        parts.append(activations[SITE].flatten(0, 1))
    labels = {
        name: as_strings(token_windows(store, LENGTH, name).flatten().bool().tolist())
        for name in SLOW
    }
    assert code.bed.model.tokenizer is not None
    words = code.bed.model.tokenizer.convert_ids_to_tokens(tokens.flatten().tolist())
    for name, marks in FAST.items():
        labels[name] = as_strings([any(mark in word for mark in marks) for word in words])
    return torch.cat(parts).double().numpy(), labels


def _some_windows(
    neurons: tuple[np.ndarray, dict[str, np.ndarray]], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Two thirds of the windows, drawn at random."""
    x, labels = neurons
    count = len(x) // LENGTH
    chosen = np.sort(rng.permutation(count)[: 2 * count // 3])
    rows = (chosen[:, None] * LENGTH + np.arange(LENGTH)).ravel()
    return x[rows], {name: values[rows] for name, values in labels.items()}


def _split(labels: np.ndarray, lengths: list[int], seed: int) -> ProbeSplit:
    split = probe_split(labels, lengths, seed)
    assert split is not None
    return split


def _auroc(matrix: object, split: ProbeSplit, k: int, seed: int) -> float:
    result, _ = k_sparse_probe(matrix, split, k, seed)
    assert result.auroc is not None
    return result.auroc
