"""Scores of attributions against a known circuit: ranked nodes and edges, and chosen ones."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, final

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.errors import DataError, MismatchError, unknown_name

if TYPE_CHECKING:
    from sparsetime.testbeds.compiled.circuit import Circuit, Edge

T = TypeVar("T", bound=Hashable)


@final
@dataclass(frozen=True)
class RankingScores:
    """How well sizes of attributions rank what is of a circuit before what is not.

    auroc: chance that one of the circuit is ranked before one that is not, 0.5 for a random order.
    average_precision: mean of the precision at each one of the circuit; `chance` for a random
    order, their share. precision: of as many of the first as the circuit has; equal to the recall.
    """

    auroc: float
    average_precision: float
    precision: float
    chance: float


@final
@dataclass(frozen=True)
class SetScores:
    """Precision, recall and F1 of chosen edges or nodes; precision is NaN where none is chosen."""

    precision: float
    recall: float
    f1: float


def ranking_scores(
    attribution: Float[np.ndarray, " attributions"], on_circuit: Bool[np.ndarray, " things"]
) -> RankingScores:
    """Scores of a ranking by the absolute value of attributions.

        auroc = P(|a_i| > |a_j|) + P(|a_i| = |a_j|) / 2,  i of the circuit, j not

    Source: AUROC against hand-set circuits as in Gupta et al. 2024, "InterpBench: semi-synthetic
    transformers for evaluating mechanistic interpretability techniques". Blind to the sizes of
    attributions, and to their signs.

    Errors: MismatchError for another number of attributions; DataError where all or none are of the
    circuit, or an attribution is not finite.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    if len(attribution) != len(on_circuit):
        raise MismatchError(
            f"got {len(attribution)} attributions, expected {len(on_circuit)}; give one of each "
            f"candidate, in their order"
        )
    count = int(on_circuit.sum())
    if not 0 < count < len(on_circuit):
        raise DataError(
            f"got {count} of {len(on_circuit)} candidates on the circuit, expected some and not "
            f"all; a ranking needs both"
        )
    size = np.abs(np.asarray(attribution, dtype=np.float64))
    if not np.isfinite(size).all():
        raise DataError(
            f"got the attribution {attribution[np.argmin(np.isfinite(size))]} of candidate "
            f"{int(np.argmin(np.isfinite(size)))}, expected finite ones; check the gradient"
        )
    return RankingScores(
        auroc=float(roc_auc_score(on_circuit, size)),
        average_precision=float(average_precision_score(on_circuit, size)),
        precision=_precision_of_first(size, on_circuit, count),
        chance=count / len(on_circuit),
    )


def edge_ranking(attribution: Mapping[Edge, float], circuit: Circuit) -> RankingScores:
    """`ranking_scores` of all edges that the architecture allows; 0 for one without attribution.

    Errors: UnknownNameError for an edge that the architecture does not allow; as `ranking_scores`.
    """
    return _ranking(attribution, circuit.candidates, circuit.edges, "edge")


def node_ranking(attribution: Mapping[str, float], circuit: Circuit) -> RankingScores:
    """`ranking_scores` of embeddings, heads and MLPs; 0 for one without attribution.

    Errors: UnknownNameError for another node; as `ranking_scores`.
    """
    nodes = tuple(circuit.on_circuit)
    return _ranking(attribution, nodes, {n for n in nodes if circuit.on_circuit[n]}, "node")


def set_scores(chosen: Iterable[T], true: Iterable[T]) -> SetScores:
    """Precision, recall and F1 of chosen edges, nodes or step edges against the true ones.

        precision = |chosen & true| / |chosen|,  recall = |chosen & true| / |true|

    Errors: DataError where there are no true ones.
    """
    found, wanted = set(chosen), set(true)
    if not wanted:
        raise DataError("got no true edges, expected at least one; choose a step with an output")
    hits = len(found & wanted)
    return SetScores(
        precision=hits / len(found) if found else float("nan"),
        recall=hits / len(wanted),
        f1=2 * hits / (len(found) + len(wanted)),
    )


def _ranking(
    attribution: Mapping[T, float], candidates: tuple[T, ...], true: Iterable[T], what: str
) -> RankingScores:
    allowed = set(candidates)
    for one in attribution:
        if one not in allowed:
            raise unknown_name(what, _text(one), [_text(other) for other in candidates])
    values = np.array([attribution.get(one, 0.0) for one in candidates])
    wanted = set(true)
    return ranking_scores(values, np.array([one in wanted for one in candidates]))


def _text(one: Hashable) -> str:
    return " ".join(map(str, one)) if isinstance(one, tuple) else str(one)


def _precision_of_first(
    size: Float[np.ndarray, " things"], on_circuit: Bool[np.ndarray, " things"], count: int
) -> float:
    """Precision of the `count` largest; where the last places are tied, its mean over all ties."""
    limit = np.sort(size)[-count]
    above, tied = size > limit, size == limit
    share = (count - above.sum()) / tied.sum()
    return float((on_circuit[above].sum() + share * on_circuit[tied].sum()) / count)
