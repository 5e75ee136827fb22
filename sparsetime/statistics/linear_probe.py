"""A linear probe on sparse codes: the split by blocks of time, the fit, the interval."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime import seeds
from sparsetime.codes import SparseCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = 40
ROWS_A_SIDE = 10_000
_BLOCKS = (64, 32, 16, 8)
_DRAWS = 20  # of groups, until classes occur on both sides
_GAP = 8  # the first 1/8 of a block is left out
_BOOTSTRAPS = 2000
_MOST_ITERATIONS = 300


@dataclass(frozen=True)
class ProbeSplit:
    """Training steps and test steps of a linear probe.

    train, test: rows of the code; train_label, test_label: their classes, numbered; test_block:
    which block of time a test row is in; classes: how many; block: its length in steps.
    """

    train: Int[np.ndarray, " train"]
    test: Int[np.ndarray, " test"]
    train_label: Int[np.ndarray, " train"]
    test_label: Int[np.ndarray, " test"]
    test_block: Int[np.ndarray, " test"]
    classes: int
    block: int


@dataclass(frozen=True)
class ProbeResult:
    """Accuracy of a linear probe on the test steps, with its baseline and interval.

    auroc: area under the ROC curve, of two classes only; None otherwise, or where the test steps
    have one class.
    """

    accuracy: float
    baseline: float
    interval: tuple[float, float]
    classes: int
    train_steps: int
    test_steps: int
    block: int
    converged: bool
    auroc: float | None = None


def probe_split(
    labels: NDArray[np.object_],
    lengths: list[int],
    seed: int,
    times: Int[np.ndarray, " sequences"] | None = None,
) -> ProbeSplit | None:
    """Split of steps by alternating blocks of time, for training and for testing.

    labels: [rows], None for a step without the label. Blocks of 64 steps, or the longest shorter
    ones (to 8) with which at least two classes occur on both sides; None where there are none.
    The parity changes from a sequence to the next, so sequences of one block are on both sides.
    Sequences with the same number in `times` ran at the same time. They have one parity, so that
    what they share at a time, such as a day's weather, is on one side only.
    """
    is_labelled = np.array([label is not None for label in labels], dtype=bool)
    names, numbers = np.unique(labels[is_labelled].astype(str), return_inverse=True)
    label = np.full(len(labels), -1)
    label[is_labelled] = numbers
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    position = np.arange(len(labels)) - np.repeat(first, lengths)
    time = sequence if times is None else times[sequence]
    for block in _BLOCKS:
        test_side = (position // block + time) % 2 == 1
        usable = (label >= 0) & (position % block >= block // _GAP)
        on_both = np.minimum(
            np.bincount(label[usable & test_side], minlength=len(names)),
            np.bincount(label[usable & ~test_side], minlength=len(names)),
        )
        size = np.bincount(label[usable], minlength=len(names))
        kept = np.flatnonzero(on_both > 0)
        kept = kept[np.argsort(-size[kept], kind="stable")][:CLASSES]
        if len(kept) < 2:
            continue
        usable &= np.isin(label, kept)
        rng = seeds.numpy_generator(seed, "rows of a probe")
        train = _at_most(usable & ~test_side, rng)
        test = _at_most(usable & test_side, rng)
        block_of_row = time * (max(lengths) // block + 1) + position // block
        return ProbeSplit(
            train, test, label[train], label[test], block_of_row[test], len(kept), block
        )
    return None


def group_probe_split(
    labels: NDArray[np.object_], lengths: Sequence[int], groups: Sequence[str], seed: int
) -> ProbeSplit | None:
    """Split of steps by groups of sequences: half of the groups, drawn, are for testing.

    labels: [rows], None for a step without the label. groups: of each sequence, such as its
    subject. None where fewer than two classes occur on both sides in each of 20 draws. The
    interval of the probe is a bootstrap over the test groups.
    """
    is_labelled = np.array([label is not None for label in labels], dtype=bool)
    names, numbers = np.unique(labels[is_labelled].astype(str), return_inverse=True)
    label = np.full(len(labels), -1)
    label[is_labelled] = numbers
    _, of_sequence = np.unique(np.array(groups), return_inverse=True)
    group = np.repeat(of_sequence, lengths)
    count = int(of_sequence.max(initial=-1)) + 1
    rng = seeds.numpy_generator(seed, "rows of a probe")
    for _ in range(_DRAWS):
        test_side = np.isin(group, rng.permutation(count)[: count // 2])
        usable = label >= 0
        on_both = np.minimum(
            np.bincount(label[usable & test_side], minlength=len(names)),
            np.bincount(label[usable & ~test_side], minlength=len(names)),
        )
        size = np.bincount(label[usable], minlength=len(names))
        kept = np.flatnonzero(on_both > 0)
        kept = kept[np.argsort(-size[kept], kind="stable")][:CLASSES]
        if len(kept) < 2:
            continue
        usable &= np.isin(label, kept)
        train, test = _at_most(usable & ~test_side, rng), _at_most(usable & test_side, rng)
        return ProbeSplit(train, test, label[train], label[test], group[test], len(kept), 0)
    return None


def probe(code: SparseCode, start: int, stop: int, split: ProbeSplit, seed: int) -> ProbeResult:
    """Linear probe on the latents `start` to `stop`: fit on training rows, scored on test rows."""
    return probe_matrix(sparse_matrix(code)[:, start:stop], split, seed)


def probe_matrix(matrix: Any, split: ProbeSplit, seed: int) -> ProbeResult:
    """Linear probe (logistic regression, C = 0.1) on a scipy CSR matrix [rows, columns]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train, test = matrix[split.train], matrix[split.test]
    scale = np.sqrt(np.asarray(train.multiply(train).mean(axis=0)).ravel())
    scale = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    model = LogisticRegression(C=0.1, max_iter=_MOST_ITERATIONS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(train.multiply(scale).tocsr(), split.train_label)
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    scaled = test.multiply(scale).tocsr()
    right = model.predict(scaled) == split.test_label
    most_frequent = np.bincount(split.train_label).argmax()
    return ProbeResult(
        accuracy=float(right.mean()),
        baseline=float((split.test_label == most_frequent).mean()),
        interval=_interval(right, split.test_block, seed),
        classes=split.classes,
        train_steps=len(split.train),
        test_steps=len(split.test),
        block=split.block,
        converged=converged,
        auroc=_auroc(model.decision_function(scaled), split),
    )


def centred(x: Float[np.ndarray, "rows d"], split: ProbeSplit) -> Any:
    """Activations less their mean over the training rows, as a CSR matrix for a probe."""
    from scipy.sparse import csr_matrix

    return csr_matrix(x - x[split.train].mean(axis=0))


def as_strings(labels: Sequence[object]) -> NDArray[np.object_]:
    """Labels as an array of strings, None where a step has none."""
    out = np.empty(len(labels), dtype=object)
    out[:] = [None if label is None else str(label) for label in labels]
    return out


def sparse_matrix(code: SparseCode) -> Any:
    """The code as a scipy CSR matrix of float64."""
    from scipy.sparse import csr_matrix

    values = code.values.detach().double().numpy()
    entries = (values, code.indices.numpy(), code.offsets.numpy())
    return csr_matrix(entries, shape=(code.rows, code.width))


def _auroc(score: Float[np.ndarray, ...], split: ProbeSplit) -> float | None:
    from sklearn.metrics import roc_auc_score

    if split.classes != 2 or len(np.unique(split.test_label)) < 2:
        return None
    return float(roc_auc_score(split.test_label == split.train_label.max(), score))


def _at_most(
    mask: Bool[np.ndarray, " rows"], rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    rows = np.flatnonzero(mask)
    if len(rows) <= ROWS_A_SIDE:
        return rows
    return np.sort(rng.choice(rows, ROWS_A_SIDE, replace=False))


def _interval(
    right: Bool[np.ndarray, " test"], block: Int[np.ndarray, " test"], seed: int
) -> tuple[float, float]:
    """The middle 95% of the accuracy over resamples of whole blocks."""
    _, number = np.unique(block, return_inverse=True)
    steps = np.bincount(number).astype(float)
    hits = np.bincount(number, weights=right)
    rng = seeds.numpy_generator(seed, "bootstrap of a probe")
    drawn = rng.integers(0, len(steps), size=(_BOOTSTRAPS, len(steps)))
    accuracies = hits[drawn].sum(axis=1) / steps[drawn].sum(axis=1)
    low, high = np.quantile(accuracies, [0.025, 0.975])
    return float(low), float(high)
