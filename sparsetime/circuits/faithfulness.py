"""Faithfulness of a sparse feature circuit: what the metric is with only its nodes left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.circuits.attribute import attribute, dictionaries_by_path
from sparsetime.circuits.metrics import MetricLike, output_metric
from sparsetime.circuits.node_effects import NodeEffects
from sparsetime.circuits.targets import tokens_of
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.patch import Patch
from sparsetime.interventions.site_gradients import site_pass
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel

_EQUAL = 1e-5  # relative difference of two metrics that is rounding


@final
@dataclass(frozen=True)
class Faithfulness:
    """Faithfulness of circuits of the nodes with the largest effects.

    sizes: numbers of nodes. recovered: share of the metric's difference that each circuit recovers;
    1 for the whole model, 0 for none of its nodes. candidates: how many nodes there are. effects:
    by which they were ranked.
    """

    sizes: tuple[int, ...]
    recovered: tuple[float, ...]
    candidates: int
    effects: NodeEffects


def faithfulness(
    model: str | Path | nn.Module | LoadedModel,
    dictionaries: Mapping[str, Dictionary | None],
    tokens: Any,
    against: Any,
    metric: MetricLike,
    sizes: Sequence[int] = (10, 30, 100),
    *,
    method: str = "integrated",
    errors: bool = True,
    tokenizer: Any = None,
) -> Faithfulness:
    """Run the model with every node outside of a circuit held at its value on another input.

        F(C) = (m(C) - m(none)) / (m(all) - m(none))

    m(C): the metric where at each site and step the latents of C and the errors in C are as the
    model computes them, and all others those of `against`; m(none) where all are.

    dictionaries, tokens, against, metric: as in `st.attribute`, which ranks the nodes by `method`.
    sizes: numbers of nodes. errors: whether errors of dictionaries are nodes; False holds them at
    those of `against`, so that latents alone count. An error is one node a step, and a dictionary
    that explains nothing has all of the effect in its errors.

    Source: Marks et al. 2024, Sparse Feature Circuits, arXiv:2403.19647, section 3, with another
    input in the place of means.

    Errors: those of `st.attribute`; ConfigError for sizes below 1; DataError where the two inputs
    give equal metrics.
    """
    if not sizes or min(sizes) < 1:
        raise ConfigError(f"got sizes={list(sizes)}, expected numbers of nodes from 1 on")
    loaded = load_causal_model(model, tokenizer)
    sites = dictionaries_by_path(loaded, dictionaries)
    effects = attribute(loaded, sites, tokens, metric, method=method, against=against)
    ids, other = (tokens_of(one, loaded.tokenizer)[0] for one in (tokens, against))
    plain = output_metric(metric, other[None], loaded.tokenizer)
    there = site_pass(loaded.model, other, list(sites), plain, False)
    kept = {site: _Kept(sae, there.activations[site][0]) for site, sae in sites.items()}
    rows = [row for row in effects.table.to_pylist() if errors or row["kind"] != "error"]
    measure = output_metric(metric, ids[None], loaded.tokenizer)

    def value(count: int) -> float:
        patches = {site: one.patch(_nodes(rows[:count], site)) for site, one in kept.items()}
        found = site_pass(loaded.model, ids, list(sites), measure, False, patches)
        return float(found.metric[0])

    nothing = value(0)
    if abs(effects.metric - nothing) <= _EQUAL * max(1.0, abs(nothing)):
        raise DataError(
            f"got the metric {effects.metric:.4g} on both inputs, expected two that differ; give "
            "another input in against="
        )
    shares = tuple((value(size) - nothing) / (effects.metric - nothing) for size in sizes)
    return Faithfulness(tuple(sizes), shares, len(rows), effects)


@final
class _Kept:
    """Activations of a site whose nodes are those of another input, but for some."""

    def __init__(self, sae: Dictionary | None, other: Float[Tensor, "time d"]) -> None:
        self._sae, self._other = sae, other
        if sae is not None:
            self._code = sae.encode(other.float()).dense().detach()
            self._error = other.float() - sae.decode(sae.encode(other.float())).detach()

    def patch(self, nodes: Sequence[tuple[int, int]]) -> Patch:
        """nodes: (step, latent) of what the model computes itself; -1 for an error."""
        steps = torch.tensor([step for step, _ in nodes], dtype=torch.int64)
        latents = torch.tensor([latent for _, latent in nodes], dtype=torch.int64)
        if self._sae is None:
            free = torch.zeros(self._other.shape, dtype=torch.bool)
            free[steps, latents] = True
            return lambda x: torch.where(free.to(x.device), x, self._other.to(x).expand_as(x))
        free = torch.zeros(self._code.shape, dtype=torch.bool)
        free[steps[latents >= 0], latents[latents >= 0]] = True
        own_error = torch.zeros(len(self._other), dtype=torch.bool)
        own_error[steps[latents < 0]] = True
        return lambda x: self._mixed(x, free, own_error)

    def _mixed(self, x: Tensor, free: Bool[Tensor, "time width"], own_error: Tensor) -> Tensor:
        sae = self._sae
        assert sae is not None
        rows = x[0].detach().float().cpu()
        code = sae.encode(rows)
        dense = code.dense().detach()
        error = torch.where(own_error[:, None], rows - sae.decode(code).detach(), self._error)
        change = torch.where(free, dense, self._code) - dense
        written = change @ (sae.atoms.detach() * sae.output_normalisation.scale)
        return (sae.decode(code).detach() + written + error)[None].to(x)


def _nodes(rows: Sequence[Mapping[str, Any]], site: str) -> list[tuple[int, int]]:
    return [(row["step"], row["latent"]) for row in rows if row["site"] == site]
