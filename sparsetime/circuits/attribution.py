"""Attribution graph: exact direct effects of features, errors, tokens and biases on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.circuits.influence import normalised
from sparsetime.circuits.replacement import ActiveFeatures, Replacement
from sparsetime.circuits.targets import TargetVector
from sparsetime.errors import DataError
from sparsetime.interventions.linearised_pass import LinearisedPass

_SUMS = 1e-4  # of the largest sum of absolute contributions, by which a target may be missed
_AT_ONCE = 256  # features whose edges are computed between two choices


@final
@dataclass(frozen=True, eq=False)
class Sources:
    """All that writes in a pass, in the order of the columns of a graph.

    Features of every replacement come first, then errors by write and step, tokens by step, and the
    bias. errors: writes with error nodes. tokens: the token embedding, None where there is none.
    """

    features: Sequence[ActiveFeatures]
    replacements: Sequence[Replacement]
    errors: Sequence[str]
    tokens: str | None
    time: int

    @property
    def feature_count(self) -> int:
        return sum(len(one.steps) for one in self.features)

    @property
    def count(self) -> int:
        """Columns of a graph: features, errors, tokens, bias."""
        tokens = self.time if self.tokens else 0
        return self.feature_count + len(self.errors) * self.time + tokens + 1


@final
class Attribution:
    """Direct effects in one linearised pass.

        contribution of a source to a read = (written vector) · J^T (covector of the read)

    linearised: the pass. sources: what writes in it.

    Source: Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language Models;
    bias nodes, with which contributions sum to the target, are ours.
    """

    def __init__(self, linearised: LinearisedPass, sources: Sources) -> None:
        self.linearised = linearised
        self.sources = sources
        self._firsts = [0]
        for one in sources.features:
            self._firsts.append(self._firsts[-1] + len(one.steps))
        self._errors = self._error_vectors()
        self.worst_sum = 0.0

    def contributions(
        self,
        site: str,
        covectors: Float[Tensor, "targets time d"],
        offsets: Float[Tensor, " targets"],
    ) -> Float[Tensor, "targets columns"]:
        """Contributions of all sources to covectors of one read.

        Errors: DataError where they do not sum to the value within 1e-4.
        """
        gradients = self.linearised.gradients(site, covectors[:, None])
        found = torch.zeros(len(covectors), self.sources.count)
        bias = offsets + (covectors * self.linearised.constants[site][0]).sum((1, 2))
        for write, one in gradients.items():
            gradient = one[:, 0].float()
            for number, features in enumerate(self.sources.features):
                if write in features.written:
                    columns = slice(self._firsts[number], self._firsts[number + 1])
                    found[:, columns] += _by_feature(gradient, features, write)
                    bias = bias + (gradient * features.bias[write]).sum((1, 2))
            start = self._start_of(write)
            if start is not None:
                found[:, start : start + self.sources.time] = (gradient * self._errors[write]).sum(
                    2
                )
        found[:, -1] = bias
        terms = covectors * self.linearised.reads[site][0].detach()
        self._check(site, found, terms, offsets)
        return found

    def _check(self, site: str, found: Tensor, terms: Tensor, offsets: Tensor) -> None:
        """Compare the sums with the values; rounding is relative to the largest sum of terms."""
        values = terms.double().sum((1, 2)) + offsets.double()
        missed = (found.double().sum(1) - values).abs()
        size = torch.maximum(found.abs().sum(1), terms.abs().sum((1, 2))).clamp_min(1e-30)
        worst = float((missed / size).max()) if len(missed) else 0.0
        self.worst_sum = max(self.worst_sum, worst)
        if worst > _SUMS:
            raise DataError(
                f"contributions to what is read at {site!r} miss it by {worst:.1e} of their "
                f"absolute sum, expected at most {_SUMS:.0e}; the pass is not affine there"
            )

    def _start_of(self, write: str) -> int | None:
        """The first column of a write's errors, or of the tokens."""
        first = self.sources.feature_count
        if write in self.sources.errors:
            return first + self.sources.errors.index(write) * self.sources.time
        if write == self.sources.tokens:
            return first + len(self.sources.errors) * self.sources.time
        return None

    def _error_vectors(self) -> dict[str, Float[Tensor, "time d"]]:
        """What writes besides features and biases: errors of dictionaries, or the whole write."""
        vectors = {name: x[0].detach().float() for name, x in self.linearised.writes.items()}
        for features in self.sources.features:
            vectors.update(features.error)
        return vectors

    def feature_rows(self, chosen: Int[Tensor, " n"]) -> Float[Tensor, "n columns"]:
        """Contributions to the pre-activations of features, by their columns."""
        rows = torch.zeros(len(chosen), self.sources.count)
        for number, features in enumerate(self.sources.features):
            own = (chosen >= self._firsts[number]) & (chosen < self._firsts[number + 1])
            places = chosen[own] - self._firsts[number]
            reads = self.sources.replacements[number].reads
            for site_number, site in enumerate(reads):
                here = features.site[places] == site_number
                if not bool(here.any()):
                    continue
                some = places[here]
                covectors = torch.zeros(len(some), self.sources.time, features.read.shape[1])
                covectors[torch.arange(len(some)), features.steps[some]] = features.read[some]
                found = self.contributions(site, covectors, features.offset[some])
                rows[own.nonzero()[:, 0][here]] = found
        return rows


def _by_feature(
    gradient: Float[Tensor, "targets time d"], features: ActiveFeatures, write: str
) -> Float[Tensor, "targets n"]:
    """Dot products of every feature's vector with the gradient at its own step."""
    written = features.written[write]
    found = torch.empty(len(gradient), len(written))
    # Features are sorted by step, so that each step is one product of matrices.
    bounds = torch.searchsorted(features.steps, torch.arange(gradient.shape[1] + 1)).tolist()
    for step, (first, last) in enumerate(pairwise(bounds)):
        if last > first:
            found[:, first:last] = gradient[:, step] @ written[first:last].T
    return found


def chosen_rows(
    attribution: Attribution, targets: Sequence[TargetVector], nodes: int
) -> tuple[Float[Tensor, "targets columns"], Int[Tensor, " n"], Float[Tensor, "n columns"]]:
    """Rows of the targets, and of at most `nodes` features in order of their influence so far.

    Returns the targets' rows, the columns of the chosen features, sorted, and their rows.
    """
    sources = attribution.sources
    target_rows = _target_rows(attribution, targets)
    weights = torch.tensor([target.weight for target in targets])
    count = sources.feature_count
    if count <= nodes:
        chosen = torch.arange(count)
        parts = [attribution.feature_rows(some) for some in chosen.split(_AT_ONCE)]
        return target_rows, chosen, torch.cat([torch.zeros(0, sources.count), *parts])
    visited = torch.zeros(count, dtype=torch.bool)
    order = torch.zeros(0, dtype=torch.int64)
    rows = torch.zeros(0, sources.count)
    while len(order) < nodes:
        reached = _reached(target_rows, weights, order, rows)[:count]
        reached[visited] = -1
        some = reached.topk(min(_AT_ONCE, nodes - len(order))).indices
        visited[some] = True
        rows = torch.cat([rows, attribution.feature_rows(some)])
        order = torch.cat([order, some])
    chosen, places = order.sort()
    return target_rows, chosen, rows[places]


def _target_rows(attribution: Attribution, targets: Sequence[TargetVector]) -> Tensor:
    rows = torch.zeros(len(targets), attribution.sources.count)
    for site in dict.fromkeys(target.site for target in targets):
        own = [number for number, target in enumerate(targets) if target.site == site]
        covectors = torch.stack([targets[number].vector for number in own])
        offsets = torch.tensor([targets[number].offset for number in own])
        rows[own] = attribution.contributions(site, covectors, offsets)
    return rows


def _reached(
    target_rows: Tensor, weights: Tensor, order: Tensor, rows: Tensor
) -> Float[Tensor, " columns"]:
    """Influence of every source along the edges that are computed so far."""
    current = weights @ normalised(target_rows)
    total = current.clone()
    shares = normalised(rows)
    for _ in range(len(order)):
        current = current[order] @ shares
        if not bool(current.any()):
            break
        total += current
    return total
