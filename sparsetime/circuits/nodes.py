"""Nodes of an attribution graph, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime.circuits.attribution import Sources
from sparsetime.circuits.targets import TargetVector

if TYPE_CHECKING:
    import pyarrow as pa

FEATURE, ERROR, TOKEN, BIAS, TARGET = "feature", "error", "token", "bias", "target"


def node_table(
    sources: Sources,
    chosen: Int[Tensor, " n"],
    targets: Sequence[TargetVector],
    texts: Sequence[str],
) -> pa.Table:
    """The nodes in the order of the graph: features, errors, tokens, the bias, targets.

    Columns: kind; site, where a node writes, or where a target is read; step (-1 for the bias);
    latent (-1 for no feature); value, the activation of a feature; label, the text of a token or of
    a target; reads, the site that a feature reads.
    """
    import pyarrow as pa

    rows: list[tuple[str, str, int, int, float, str, str]] = []
    kept = set(chosen.tolist())
    column = 0
    for features, one in zip(sources.features, sources.replacements, strict=True):
        entries = zip(
            features.steps.tolist(), features.latents.tolist(), features.values.tolist(),
            features.site.tolist(), strict=True,
        )  # fmt: skip
        for step, latent, value, site in entries:
            if column in kept:
                write = one.writes[min(site, len(one.writes) - 1)]
                rows.append((FEATURE, write, step, latent, value, "", one.reads[site]))
            column += 1
    for write in sources.errors:
        rows += [(ERROR, write, step, -1, 0.0, "", "") for step in range(sources.time)]
    if sources.tokens:
        rows += [
            (TOKEN, sources.tokens, step, -1, 0.0, texts[step], "") for step in range(sources.time)
        ]
    rows.append((BIAS, "", -1, -1, 0.0, "", ""))
    rows += [(TARGET, t.site, t.step, -1, t.weight, t.name, t.site) for t in targets]
    names = ("kind", "site", "step", "latent", "value", "label", "reads")
    types = (
        pa.string(),
        pa.string(),
        pa.int64(),
        pa.int64(),
        pa.float64(),
        pa.string(),
        pa.string(),
    )
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(one, kind) for one, kind in zip(columns, types, strict=True)]
    return pa.table(dict(zip(names, arrays, strict=True)))


def square(
    target_rows: Tensor, chosen: Int[Tensor, " n"], feature_rows: Tensor, sources: Sources
) -> Tensor:
    """Weights [nodes, nodes] into each node (row) from each node (column).

    What features that were not chosen contribute is added to the error of their write and step, so
    that the inputs of a node still sum to it.
    """
    columns = torch.cat(
        [
            target_rows.new_tensor(chosen.tolist(), dtype=torch.int64),
            torch.arange(sources.feature_count, sources.count),
        ]
    )
    left = torch.ones(sources.feature_count, dtype=torch.bool)
    left[chosen] = False
    rest = left.nonzero()[:, 0]
    n_features, n_targets = len(chosen), len(target_rows)
    size = len(columns) + n_targets
    weights = torch.zeros(size, size)
    rows = [*range(n_features), *range(size - n_targets, size)]
    both = torch.cat([feature_rows, target_rows])
    weights[rows, : len(columns)] = both[:, columns]
    if len(rest):
        places = n_features + _error_places(sources)[rest]
        weights[:, : len(columns)].index_put_(
            (torch.tensor(rows)[:, None], places[None, :]), both[:, rest], accumulate=True
        )
    return weights


def _error_places(sources: Sources) -> Int[Tensor, " features"]:
    """For every feature, the number of the error node of its write and step."""
    places = []
    for features, one in zip(sources.features, sources.replacements, strict=True):
        numbers = torch.tensor([list(sources.errors).index(write) for write in one.writes])
        site = features.site.clamp_max(len(one.writes) - 1)
        places.append(numbers[site] * sources.time + features.steps)
    return torch.cat(places) if places else torch.zeros(0, dtype=torch.int64)
