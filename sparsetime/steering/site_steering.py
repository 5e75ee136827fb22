"""Steering of one site: edited activations of the next steps of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.codes import SparseCode
from sparsetime.interventions.span import RunFacts, Span, SpanReader, Steps
from sparsetime.steering.edit_plan import EditPlan, PlannedEdit
from sparsetime.steering.edits import Ablate
from sparsetime.steering.encoder_stream import EncoderStream

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

#: From a feature and its site to its activations in this pass.
ReadElsewhere = Callable[[int, str], Float[np.ndarray, "batch time"]]
_BLOCK = 256  # steps of which resampled rows are drawn at once


@final
@dataclass(frozen=True)
class SteeredSteps:
    """What was done to the next steps: weights, added norm, and the norm of the site, by step."""

    weight: Float[np.ndarray, "batch time"]
    added: Float[np.ndarray, "batch time"]
    norm: Float[np.ndarray, "batch time"]


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

    def __post_init__(self) -> None:
        self._readers = {span: span.begin(self.facts) for span in self.plan.spans}
        self._exclusion = StepExclusion.of_provenance(self.sae.provenance)
        self._stream = EncoderStream(self.sae)
        self._draws: dict[tuple[int, int], np.ndarray] = {}

    def feed(
        self,
        x: Float[Tensor, "batch time d"],
        steps: Steps,
        elsewhere: ReadElsewhere | None = None,
        always_encode: bool = False,
    ) -> tuple[Float[Tensor, "batch time d"], SteeredSteps]:
        """The edited activations of the next steps of every sequence."""
        kept = self._kept(x, steps)
        code = None
        if self.plan.reads_code or always_encode:
            code = self._stream.feed(x.detach(), kept)
        self.last_code = code
        activation = None if code is None else self._activation(code, elsewhere)
        at = Steps(steps.numbers, steps.tokens, activation)
        weights = {span: reader(at) * kept for span, reader in self._readers.items()}
        weight = np.max(list(weights.values()), axis=0)
        if not weight.any():
            norm = np.zeros(weight.shape)
            return x, SteeredSteps(weight, np.zeros(weight.shape), norm)
        added = self._added(x, code, weights, steps)
        norms = [t.detach().norm(dim=-1).double().cpu().numpy() for t in (added, x)]
        return x + added.to(x.dtype), SteeredSteps(weight, norms[0], norms[1])

    def activation(self, feature: int) -> Float[np.ndarray, "batch time"]:
        """Activations of a feature in the last steps, before their edit."""
        assert self.last_code is not None  # encoded wherever a span reads it
        return column(self.last_code, feature).double().cpu().numpy()

    def _activation(
        self, code: SparseCode, elsewhere: ReadElsewhere | None
    ) -> Callable[[int, str | None], Float[np.ndarray, "batch time"]]:
        def read(feature: int, site: str | None) -> Float[np.ndarray, "batch time"]:
            if site is None or site == self.site or elsewhere is None:
                return column(code, feature).double().cpu().numpy()
            return elsewhere(feature, site)

        return read

    def _kept(self, x: Tensor, steps: Steps) -> Bool[np.ndarray, "batch time"]:
        """Steps that may be edited: neither padding, nor left out of the dictionary's training."""
        kept = steps.numbers >= self._exclusion.first
        tokens = self.untouched.union(self._exclusion.tokens)
        if tokens and steps.tokens is not None:
            kept &= ~np.isin(steps.tokens, list(tokens))
        limit = self._exclusion.norm_limit
        if limit is not None:
            kept &= (x.detach().double().norm(dim=-1) <= limit).cpu().numpy()
        return kept & (steps.numbers >= 0)

    def _added(
        self,
        x: Tensor,
        code: SparseCode | None,
        weights: dict[Span, Float[np.ndarray, "batch time"]],
        steps: Steps,
    ) -> Float[Tensor, "batch time d"]:
        dtype = torch.promote_types(x.dtype, torch.float32)
        vectors = self._written(x.device, dtype)
        if code is None:
            before = [x.new_zeros(x.shape[:2], dtype=dtype)] * len(self.plan.features)
        else:
            before = [column(code, f).to(x.device, dtype) for f in self.plan.features]
        values = list(before)
        tensors = {s: torch.as_tensor(w, dtype=dtype, device=x.device) for s, w in weights.items()}
        for planned in self.plan.edits:
            own, weight = planned.column, tensors[planned.span]
            old = values[own]
            if planned.other is not None:
                other = values[planned.other]
                values[planned.other] = other + weight * (old - other)
                values[own] = old + weight * (other - old)
                continue
            values[own] = old + weight * (self._new(planned, old, steps) - old)
        added = x.new_zeros(x.shape, dtype=dtype)
        if values:
            change = torch.stack(values, -1) - torch.stack(before, -1)
            added = change @ vectors
        if self.plan.keep_error:
            return added
        assert code is not None  # read where the error is not kept
        weight = torch.stack(list(tensors.values())).amax(0)
        rebuilt = self.sae.reconstruct(code, x).to(dtype)
        return added + weight[..., None] * (rebuilt - x)

    def _new(self, planned: PlannedEdit, old: Tensor, steps: Steps) -> Tensor:
        edit = planned.edit
        if isinstance(edit, Ablate) and edit.by == "resample":
            assert self.plan.sample is not None  # checked in the plan
            rows = self._drawn(steps.numbers, len(self.plan.sample))
            return self.plan.sample[rows, planned.column].to(old)
        return edit.changed(old, planned.strength)

    def _drawn(self, numbers: np.ndarray, rows: int) -> Tensor:
        """A random row of the sample for each step: a function of sequence and step alone."""
        out = np.zeros(numbers.shape, dtype=np.int64)
        for row, own in enumerate(numbers):
            for block in np.unique(own[own >= 0] // _BLOCK).tolist():
                if (row, block) not in self._draws:
                    rng = seeds.numpy_generator(self.seed, "resampled activations", row, block)
                    self._draws[row, block] = rng.integers(rows, size=_BLOCK)
                here = own // _BLOCK == block
                out[row, here] = self._draws[row, block][own[here] % _BLOCK]
        return torch.from_numpy(out)

    def _written(self, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "features d"]:
        """What an activation of 1 of each edited feature writes, in the site's own units."""
        if self._vectors is None:
            rows = self.sae.atoms.detach()[list(self.plan.features)].double()
            written = rows * self.sae.output_normalisation.scale.double()
            self._vectors = written.to(device, dtype)
        return self._vectors


def column(code: SparseCode, feature: int) -> Float[Tensor, "*shape"]:
    """The activations of one feature at every row of a code."""
    out = code.values.new_zeros(code.rows)
    entries = code.indices == feature
    out[code.row_of_entry[entries]] = code.values[entries].detach()
    return out.reshape(code.shape)
