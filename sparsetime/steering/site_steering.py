"""Steering of one site: edited activations of the next steps of a run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.codes import SparseCode
from sparsetime.interventions.span import RunFacts, Span, SpanReader, Steps
from sparsetime.steering.edit_plan import EditPlan, PlannedEdit
from sparsetime.steering.edits import Ablate, Values
from sparsetime.steering.encoder_stream import EncoderStream

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

#: From a feature and its site to its activations in this pass.
ReadElsewhere = Callable[[int, str], Float[np.ndarray, "batch time"]]
_BLOCK = 256  # steps of which resampled rows are drawn at once


@final
@dataclass(frozen=True)
class SteeredSteps:
    """What was done to the next steps: weights, added norm, and the norm of the site, by step.

    Tensors stay on the model's device: to read them would wait for the pass.
    """

    weight: Float[np.ndarray, "batch time"]
    added: Float[np.ndarray | Tensor, "batch time"]
    norm: Float[np.ndarray | Tensor, "batch time"]


@final
@dataclass(frozen=True, eq=False)
class _ConstantSum:
    """A vector that is added at every step of a span, and its length."""

    vector: Float[Tensor, " d"]
    norm: float


@final
@dataclass
class SiteSteering:
    """The state of one site in one run of some sequences.

        x'_t = x_t + sum over edited i of w_t (a'_{t,i} - a_{t,i}) atom_i scale

    which is x + decode(code') - decode(code), since decoders are linear; the error of the
    dictionary is kept. Without `keep_error` it is x + w (reconstruction(code') - x).

    untouched: tokens that are never edited, such as special ones.
    """

    site: str
    sae: Dictionary
    plan: EditPlan
    facts: RunFacts
    untouched: frozenset[int] = frozenset()
    seed: int = 0
    last_code: SparseCode | None = field(default=None, repr=False)
    _readers: dict[Span, SpanReader] = field(default_factory=dict, repr=False)
    _vectors: Tensor | None = field(default=None, repr=False)
    _constant_sum: _ConstantSum | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._readers = {span: span.begin(self.facts) for span in self.plan.spans}
        self._exclusion = StepExclusion.of_provenance(self.sae.provenance)
        tokens = self.untouched.union(self._exclusion.tokens)
        # By token whether it is kept, with one place behind all of them for any other token.
        self._keeps = np.ones(max(tokens, default=-1) + 2, dtype=bool)
        self._keeps[sorted(tokens)] = False
        self._is_stateful = self.sae.is_stateful
        # Sums over one span add a vector that no step changes.
        self._is_constant = (
            self.plan.keep_error
            and len(self.plan.spans) == 1
            and not any(planned.edit.reads for planned in self.plan.edits)
        )
        self._stream = EncoderStream(self.sae)
        self._draws: dict[tuple[int, int], np.ndarray] = {}

    def feed(
        self,
        x: Float[Tensor, "batch time d"],
        steps: Steps,
        elsewhere: ReadElsewhere | None = None,
        always_encode: bool = False,
        read: Float[Tensor, "batch time d_read"] | None = None,
    ) -> tuple[Float[Tensor, "batch time d"], SteeredSteps]:
        """The edited activations of the next steps of every sequence.

        read: what the dictionary encodes where that is not x, as a transcoder does.
        """
        read = x if read is None else read
        kept = self._kept(read, steps)
        reads_features = any(span.features for span in self.plan.spans)
        weights = {} if reads_features else self._weights(steps, kept)
        code = None
        # The state of a dictionary continues where nothing is edited.
        acts = reads_features or always_encode or self._is_stateful
        acts = acts or any(weight.any() for weight in weights.values())
        if acts and (self.plan.reads_code or always_encode):
            code = self._stream.feed(read.detach(), kept)
        self.last_code = code
        if reads_features:
            assert code is not None  # read by the plan
            activation = self._activation(code, elsewhere)
            weights = self._weights(Steps(steps.numbers, steps.tokens, activation), kept)
        weight = functools.reduce(np.maximum, weights.values())
        if not weight.any():
            return x, SteeredSteps(weight, np.zeros(weight.shape), np.zeros(weight.shape))
        norm = _norms(x)
        if self._is_constant:
            own = self._constant(x)
            added = own.vector
            if weight.min() < 1:
                added = torch.as_tensor(weight, dtype=added.dtype).to(x.device)[..., None] * added
            return x + added.to(x.dtype), SteeredSteps(weight, weight * own.norm, norm)
        added = self._added(x, read, code, weights, steps)
        return x + added.to(x.dtype), SteeredSteps(weight, _norms(added), norm)

    def activation(self, feature: int) -> Float[np.ndarray, "batch time"]:
        """Activations of a feature in the last steps, before their edit."""
        assert self.last_code is not None  # encoded wherever a span reads it
        return column(self.last_code, feature)

    def _weights(
        self, steps: Steps, kept: Bool[np.ndarray, "batch time"]
    ) -> dict[Span, Float[np.ndarray, "batch time"]]:
        return {span: reader(steps) * kept for span, reader in self._readers.items()}

    def _activation(
        self, code: SparseCode, elsewhere: ReadElsewhere | None
    ) -> Callable[[int, str | None], Float[np.ndarray, "batch time"]]:
        def read(feature: int, site: str | None) -> Float[np.ndarray, "batch time"]:
            if site is None or site == self.site or elsewhere is None:
                return column(code, feature)
            return elsewhere(feature, site)

        return read

    def _kept(self, x: Tensor, steps: Steps) -> Bool[np.ndarray, "batch time"]:
        """Steps that may be edited: neither padding, nor left out of the dictionary's training."""
        kept = steps.numbers >= self._exclusion.first
        if len(self._keeps) > 1 and steps.tokens is not None:
            kept &= self._keeps.take(steps.tokens, mode="clip")
        limit = self._exclusion.norm_limit
        if limit is not None:
            kept &= (x.detach().double().norm(dim=-1) <= limit).cpu().numpy()
        return kept

    def _added(
        self,
        x: Tensor,
        read: Tensor,
        code: SparseCode | None,
        weights: dict[Span, Float[np.ndarray, "batch time"]],
        steps: Steps,
    ) -> Float[Tensor, "batch time d"]:
        dtype = torch.promote_types(x.dtype, torch.float32)
        if code is None:
            before = [np.zeros(x.shape[:2])] * len(self.plan.features)
        else:
            before = [column(code, feature) for feature in self.plan.features]
        values = list(before)
        for planned in self.plan.edits:
            own, weight = planned.column, weights[planned.span]
            old = values[own]
            if planned.other is not None:
                other = values[planned.other]
                values[planned.other] = other + weight * (old - other)
                values[own] = old + weight * (other - old)
                continue
            values[own] = old + weight * (self._new(planned, old, steps) - old)
        added = x.new_zeros(x.shape, dtype=dtype)
        if values:
            change = np.stack(values, -1) - np.stack(before, -1)
            added = torch.as_tensor(change, dtype=dtype).to(x.device) @ self._written(added)
        if self.plan.keep_error:
            return added
        assert code is not None  # read where the error is not kept
        largest = functools.reduce(np.maximum, weights.values())
        share = torch.as_tensor(largest, dtype=dtype).to(x.device)[..., None]
        return added + share * (self.sae.reconstruct(code, read).to(added) - x)

    def _new(self, planned: PlannedEdit, old: Values, steps: Steps) -> Values:
        edit = planned.edit
        if isinstance(edit, Ablate) and edit.by == "resample":
            assert self.plan.sample is not None  # checked in the plan
            rows = self._drawn(steps.numbers, len(self.plan.sample))
            return np.asarray(self.plan.sample[rows, planned.column])
        return edit.changed(old, planned.strength)

    def _drawn(
        self, numbers: Int[np.ndarray, "batch time"], rows: int
    ) -> Int[np.ndarray, "batch time"]:
        """A random row of the sample for each step: a function of sequence and step alone."""
        out = np.zeros(numbers.shape, dtype=np.int64)
        for row, own in enumerate(numbers):
            for block in np.unique(own[own >= 0] // _BLOCK).tolist():
                if (row, block) not in self._draws:
                    rng = seeds.numpy_generator(self.seed, "resampled activations", row, block)
                    self._draws[row, block] = rng.integers(rows, size=_BLOCK)
                here = own // _BLOCK == block
                out[row, here] = self._draws[row, block][own[here] % _BLOCK]
        return out

    def _constant(self, x: Tensor) -> _ConstantSum:
        """What edits that add to activations write at a weight of 1."""
        if self._constant_sum is None:
            change = np.zeros(len(self.plan.features))
            for planned in self.plan.edits:
                change[planned.column] += planned.strength
            like = x.new_zeros(x.shape[-1], dtype=torch.promote_types(x.dtype, torch.float32))
            vector = like
            if len(change):
                vector = torch.as_tensor(change).to(like) @ self._written(like)
            self._constant_sum = _ConstantSum(vector, float(vector.float().norm()))
        return self._constant_sum

    def _written(self, like: Tensor) -> Float[Tensor, "features d"]:
        """What an activation of 1 of each edited feature writes, in the site's own units."""
        if self._vectors is None:
            rows = self.sae.atoms.detach()[list(self.plan.features)].double()
            self._vectors = (rows * self.sae.output_normalisation.scale.double()).to(like)
        return self._vectors


def _norms(x: Float[Tensor, "*shape d"]) -> Float[Tensor, "*shape"]:
    """The norm of every row, in float32, without gradients."""
    lengths: Tensor = torch.linalg.vector_norm(x.detach().float(), dim=-1)
    return lengths


def column(code: SparseCode, feature: int) -> Float[np.ndarray, "*shape"]:
    """The activations of one feature at every row of a code, in float64."""
    out = np.zeros(code.rows)
    entries = np.flatnonzero(code.indices.cpu().numpy() == feature)
    rows = np.searchsorted(code.offsets.cpu().numpy(), entries, "right") - 1
    out[rows] = code.values.detach().cpu().numpy()[entries]
    return out.reshape(code.shape)
