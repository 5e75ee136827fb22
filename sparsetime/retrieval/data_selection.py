"""Data selection: the segments of a pool whose pooled codes are most like those of examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.retrieval.pooled_segments import pooled_segments

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary

SIMILARITIES = ("jaccard", "cosine", "centred cosine")


@final
@dataclass(frozen=True, eq=False)
class SelectedData:
    """The selected segments, the most similar first.

    sequences: ids of their sequences in the store. first, lengths: their steps there. scores:
    similarity of each to the examples.
    """

    sequences: tuple[str, ...]
    first: Int[np.ndarray, " selected"]
    lengths: Int[np.ndarray, " selected"]
    scores: Float[np.ndarray, " selected"]


def similarity_to_examples(
    pool: Any, examples: Any, similarity: str = "jaccard", power: float = 1.0
) -> Any:
    """Similarity of every row of a pool to the mean of the examples, [texts].

        jaccard:         s_i = sum_j min(|a_ij|, m_j) / sum_j max(|a_ij|, m_j)
        cosine:          s_i = sum_j a_ij m_j / (|a_i| |m|)
        centred cosine:  the cosine of a_i - p and m - p,   p = mean over the pool

    m: mean over examples of their rows, of absolute values for Jaccard's generalised similarity.
    power: values are first raised to it, with their sign; 0.5 lets a few large values count for
    less. Where a length above is 0, so is the similarity. pool, examples: pooled codes or
    activations, scipy CSR or arrays [texts, width].

    Errors: ConfigError for an unknown similarity or a power that is not positive; MismatchError for
    rows of two widths; DataError for no examples.
    """
    _check_settings(similarity, power)
    if pool.shape[1] != examples.shape[1]:
        raise MismatchError(
            f"got a pool of width {pool.shape[1]} and examples of width {examples.shape[1]}, "
            "expected one width; encode both with one dictionary"
        )
    if not examples.shape[0]:
        raise DataError("got no examples, expected at least one text of the target task")
    rows, own = (_raised(side, power) for side in (pool, examples))
    if similarity == "jaccard":
        return _jaccard(abs(rows), np.asarray(abs(own).mean(axis=0)).ravel())
    mean = np.asarray(own.mean(axis=0)).ravel()
    centre = np.asarray(rows.mean(axis=0)).ravel()
    if similarity == "cosine":
        centre = np.zeros_like(centre)
    wanted = mean - centre
    # (a - p) . w and |a - p|^2 without a dense a - p
    squares = np.asarray((rows**2 if _is_dense(rows) else rows.power(2)).sum(axis=1)).ravel()
    lengths = np.sqrt(np.maximum(squares - 2 * (rows @ centre) + centre @ centre, 0))
    norms = lengths * np.linalg.norm(wanted)
    return (rows @ wanted - centre @ wanted) / np.where(norms > 0, norms, 1)


def _check_settings(similarity: str, power: float) -> None:
    if similarity not in SIMILARITIES or not power > 0:
        raise ConfigError(
            f"got similarity={similarity!r} and power={power}, expected one of "
            f"{', '.join(SIMILARITIES)} and a positive power"
        )


def _is_dense(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def _raised(x: Any, power: float) -> Any:
    """A copy with every value raised to a power, with its sign."""
    raised = x.astype(np.float64) if _is_dense(x) else x.tocsr().astype(np.float64)
    if power == 1:
        return raised
    if _is_dense(x):
        return np.sign(raised) * np.abs(raised) ** power
    raised.data = np.sign(raised.data) * np.abs(raised.data) ** power
    return raised


def _jaccard(rows: Any, mean: Float[np.ndarray, " width"]) -> Float[np.ndarray, " texts"]:
    if _is_dense(rows):
        shared = np.minimum(rows, mean).sum(1)
    else:
        common = rows.copy()
        common.data = np.minimum(rows.data, mean[rows.indices])
        shared = np.asarray(common.sum(axis=1)).ravel()
    either = np.asarray(rows.sum(axis=1)).ravel() + mean.sum() - shared
    return np.asarray(shared / np.where(either > 0, either, 1))


def select_data(
    sae: Dictionary,
    store: Store,
    examples: Store,
    count: int,
    *,
    steps: int | None = None,
    pool: str = "mean",
    similarity: str = "jaccard",
    power: float = 1.0,
    progress: bool = True,
) -> SelectedData:
    """Select the segments of a store that are most like examples of a target task.

    store: the mixed pool. examples: a store of some texts of the task, at the same site. count: of
    segments. steps: of a segment; None: whole sequences. pool: see `st.classify`. similarity,
    power: of pooled codes, see `similarity_to_examples`.

    Source: Ma et al. 2025, Task-specific data selection for instruction tuning via monosemantic
    neuronal activations (MONA), arXiv:2503.15573, with Jaccard's generalised similarity to a
    prototype; they choose among instructions for fine-tuning.

    Errors: ConfigError for a count below 1 or above the segments; those of
    `similarity_to_examples`, and of `pooled_segments`.
    """
    _check_settings(similarity, power)
    if count < 1:
        raise ConfigError(f"got count={count}, expected at least 1 segment")
    segments = pooled_segments(sae, store, steps, pool, progress)
    if count > len(segments.lengths):
        raise ConfigError(f"got count={count}, expected 1 to the {len(segments.lengths)} segments")
    target = pooled_segments(sae, examples, steps, pool, progress)
    scores = similarity_to_examples(segments.codes, target.codes, similarity, power)
    best = np.argsort(-scores, kind="stable")[:count]
    ids = store.sequences["id"].to_pylist()
    return SelectedData(
        tuple(str(ids[place]) for place in segments.sequence[best]),
        segments.first[best],
        segments.lengths[best],
        scores[best],
    )
