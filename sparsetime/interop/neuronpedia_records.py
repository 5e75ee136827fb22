"""Rows of Neuronpedia's tables Neuron (features) and Activation, from an index."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.features.contexts import find_sequence
from sparsetime.features.index import FeatureIndex
from sparsetime.features.step_text import has_offsets, step_texts

_BINS = 50  # of the histograms
_ALIGNED = 3  # dimensions of an atom that are named
_TOKENS = 10  # most raised and most lowered
_DIGITS = 5
# How Neuronpedia marks the group of the largest activations, which is not one of its intervals.
_TOP = -1


@final
@dataclass(frozen=True)
class SourceKeys:
    """Columns that every row has: the model, the source (a layer's dictionary), the owner."""

    model: str
    source: str
    creator: str
    created: str

    def of_feature(self, feature: int) -> dict[str, Any]:
        return {
            "modelId": self.model,
            "layer": self.source,
            "index": str(feature),
            "creatorId": self.creator,
            "createdAt": self.created,
        }

    def explanation(self, feature: int, text: str) -> dict[str, Any]:
        """The row of a feature's explanation."""
        return {
            "id": self.row_id("explanation", feature, 0),
            "modelId": self.model,
            "layer": self.source,
            "index": str(feature),
            "authorId": self.creator,
            "description": text,
            "createdAt": self.created,
        }

    def row_id(self, kind: str, feature: int, number: int) -> str:
        """An id for a row, the same each time."""
        text = f"{self.model}/{self.source}/{kind}/{feature}/{number}"
        return "c" + hashlib.sha256(text.encode()).hexdigest()[:24]


def feature_statistics(values: Float[np.ndarray, " entries"], density: float) -> dict[str, Any]:
    """How often a feature fires, and a histogram of its activation values."""
    largest = float(np.abs(values).max(initial=0.0))
    heights, edges = np.histogram(
        values, _BINS, (min(0.0, float(values.min(initial=0.0))), largest)
    )
    centres = (edges[:-1] + edges[1:]) / 2
    return {
        "maxActApprox": largest,
        "frac_nonzero": density,
        "freq_hist_data_bar_heights": heights.tolist() if largest else [],
        "freq_hist_data_bar_values": _rounded(centres) if largest else [],
    }


def atom_columns(atom: Float[Tensor, " d"], hook: str | None, largest: float) -> dict[str, Any]:
    """The direction of a feature, for steering, and the dimensions that it writes to most."""
    top = atom.topk(min(_ALIGNED, len(atom)))
    length = float(atom.abs().sum().clamp_min(1e-30))
    return {
        "hasVector": True,
        "vector": _rounded(atom.numpy(), 8),
        "vectorDefaultSteerStrength": largest or None,
        "hookName": hook,
        "neuron_alignment_indices": top.indices.tolist(),
        "neuron_alignment_values": _rounded(top.values.numpy()),
        "neuron_alignment_l1": _rounded(top.values.abs().numpy() / length),
    }


def logit_columns(logits: Float[Tensor, " tokens"], name: Callable[[int], str]) -> dict[str, Any]:
    """The tokens that an atom raises and lowers most, and a histogram of all."""
    count = min(_TOKENS, len(logits))
    raised, lowered = logits.topk(count), (-logits).topk(count)
    heights, edges = np.histogram(logits.numpy(), _BINS)
    return {
        "pos_str": [name(i) for i in raised.indices.tolist()],
        "pos_values": _rounded(raised.values.numpy()),
        "neg_str": [name(i) for i in lowered.indices.tolist()],
        "neg_values": _rounded(-lowered.values.numpy()),
        "logits_hist_data_bar_heights": heights.tolist(),
        "logits_hist_data_bar_values": _rounded((edges[:-1] + edges[1:]) / 2),
    }


@final
class ActivationRows:
    """Activating examples as rows, with the tokens around each and the feature's values there.

    examples: of each feature at most. around: steps on either side. scale: of activation values.
    Examples whose contexts would overlap are one, that of the larger value.
    """

    def __init__(
        self, index: FeatureIndex, store: Store, examples: int, around: int, scale: float
    ) -> None:
        self._index, self._store = index, store
        self._examples, self._around, self._scale = examples, around, scale

    def of(self, features: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """The rows of each feature, the largest value first, without the columns of their source.

        Every sequence is read once for all of these features.
        """
        places = [
            (sequence, position, feature, rank)
            for feature in features
            for rank, (sequence, position) in enumerate(self._places(feature))
        ]
        rows: dict[int, dict[int, dict[str, Any]]] = {feature: {} for feature in features}
        current = None
        for sequence, position, feature, rank in sorted(places):
            if current is None or current.number != sequence:
                current = _SequenceCode(self._index, self._store, sequence)
            rows[feature][rank] = self._row(current, position, feature)
        return {f: [by_rank[rank] for rank in sorted(by_rank)] for f, by_rank in rows.items()}

    def _places(self, feature: int) -> Iterator[tuple[int, int]]:
        taken: dict[int, list[int]] = {}
        table = self._index.examples(feature, n=8 * self._examples)
        pairs = zip(table["sequence"].to_pylist(), table["position"].to_pylist(), strict=True)
        for sequence, position in pairs:
            others = taken.setdefault(sequence, [])
            if all(abs(position - other) > 2 * self._around for other in others):
                others.append(position)
                yield sequence, position
            if sum(map(len, taken.values())) == self._examples:
                return

    def _row(self, code: _SequenceCode, position: int, feature: int) -> dict[str, Any]:
        first = max(0, position - self._around)
        stop = min(len(code.tokens), position + self._around + 1)
        values = code.values(feature, first, stop) * self._scale
        at = int(np.abs(values).argmax())
        return {
            "tokens": code.tokens[first:stop],
            "values": _rounded(values),
            "maxValue": round(float(values.max()), _DIGITS),
            "minValue": round(float(values.min()), _DIGITS),
            "maxValueTokenIndex": int(values.argmax()),
            "qualifyingTokenIndex": at,
            "dataIndex": str(code.number),
            "binMin": _TOP,
            "binMax": round(float(np.abs(values).max()), _DIGITS),
            "binContains": _TOP,
        }


class _SequenceCode:
    """The tokens of a sequence and its code, sorted by feature."""

    def __init__(self, index: FeatureIndex, store: Store, number: int) -> None:
        self.number = number
        position, feature, value = index.entries(number)
        order = np.argsort(feature, kind="stable")
        self._position, self._feature, self._value = position[order], feature[order], value[order]
        stored = find_sequence(store, number)
        if has_offsets(stored) and stored.text is not None:
            starts, ends = (stored.steps[name].to_pylist() for name in ("char_start", "char_end"))
            self.tokens = [gap + word for word, gap in step_texts(stored.text, starts, ends, 0)]
        else:
            names = stored.steps["token"] if "token" in stored.steps.column_names else None
            numbers: Any = range(len(stored)) if names is None else names.to_pylist()
            self.tokens = [str(one) for one in numbers]

    def values(self, feature: int, first: int, stop: int) -> Float[np.ndarray, " steps"]:
        """Activation values of a feature on some steps."""
        begin, end = np.searchsorted(self._feature, [feature, feature + 1])
        where: Int[np.ndarray, " entries"] = self._position[begin:end]
        inside = (where >= first) & (where < stop)
        values = np.zeros(stop - first)
        values[where[inside] - first] = self._value[begin:end][inside]
        return values


def _rounded(values: np.ndarray, digits: int = _DIGITS) -> list[float]:
    return [round(value, digits) for value in np.asarray(values, dtype=np.float64).tolist()]


@torch.no_grad()
def atom_logits(
    unembedding: Float[Tensor, "tokens d"], atoms: Float[Tensor, "some d"]
) -> Float[Tensor, "some tokens"]:
    """What atoms add to the logits straight at the unembedding, the mean over tokens taken away."""
    logits = atoms.to(unembedding.device, unembedding.dtype) @ unembedding.T
    return (logits - logits.mean(dim=1, keepdim=True)).float().cpu()
