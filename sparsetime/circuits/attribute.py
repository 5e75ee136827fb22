"""st.attribute: effects of all latents at all steps on a metric, with error nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.circuits.metrics import MetricLike, output_metric
from sparsetime.circuits.node_effects import NodeEffects, effect_table
from sparsetime.circuits.targets import tokens_of
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.interventions.site_gradients import OutputMetric, SitePass, site_pass
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel
from sparsetime.steering.steered_sites import steered_sites

_METHODS = ("gradient", "integrated", "patch")
_AT_ONCE = 32  # sequences of one pass, each with another change


def attribute(
    model: str | Path | nn.Module | LoadedModel,
    dictionaries: Mapping[str, Dictionary | None],
    tokens: Any,
    metric: MetricLike,
    *,
    method: str = "gradient",
    against: Any = None,
    points: int = 10,
    most: int = 64,
    tokenizer: Any = None,
) -> NodeEffects:
    """The effect of every latent and error at every step on a metric of the output.

        x = decode(f) + e at each site;  g = d metric / d x
        gradient: effect of latent i = (g · atom_i) (f'_i - f_i), of the error = g · (e' - e)
        integrated: g averaged over points between x and x', the other sites as they are
        patch: the metric with the one change made, less the metric

    f', e': of the tokens in `against`, or 0. All latents at all steps take one forward and one
    backward pass; "integrated" takes one a site, over `points` copies of the input; "patch"
    measures the `most` nodes whose gradient effects are largest, one copy each.

    model: with its head. dictionaries: by site; None takes the dimensions of the site themselves.
    tokens, against: a text or tokens [time], of equal length. metric: `st.circuits.logit(...)`,
    `logit_difference(...)`, `probability(...)`, "loss", or a function of the model's output.

    Source: Nanda 2023, Attribution Patching; Marks et al. 2024, Sparse Feature Circuits,
    arXiv:2403.19647, for errors as nodes and integrated gradients.

    Errors: ConfigError for a method, metric or dictionary that does not fit; DataError for a metric
    that gives no number; MismatchError for inputs of different lengths, and for a dictionary of
    another model or site.
    """
    if method not in _METHODS:
        raise ConfigError(f"got method={method!r}, expected one of {', '.join(_METHODS)}")
    if not dictionaries or points < 1 or most < 1:
        raise ConfigError(
            f"got {len(dictionaries)} sites, points={points} and most={most}, expected at least 1 "
            "of each"
        )
    loaded = load_causal_model(model, tokenizer)
    ids, _ = tokens_of(tokens, loaded.tokenizer)
    other = None if against is None else tokens_of(against, loaded.tokenizer)[0]
    if other is not None and len(other) != len(ids):
        raise MismatchError(
            f"got {len(ids)} tokens and {len(other)} in against, expected equally many, so that "
            "each step has its counterpart"
        )
    dictionaries = dictionaries_by_path(loaded, dictionaries)
    runner = _Runner(loaded.model, list(dictionaries), metric, loaded.tokenizer)
    here = runner.run(ids, gradients=True)
    there = None if other is None else runner.run(other, gradients=False)
    sites = [_difference(site, sae, here, there) for site, sae in dictionaries.items()]
    slopes = dict(here.gradients)
    if method == "integrated":
        slopes = {one.site: runner.mean_gradient(ids, one, points) for one in sites}
    listed = [(one, one.effects(slopes[one.site])) for one in sites]
    if method == "patch":
        listed = _patched(runner, ids, listed, most, float(here.metric[0]))
    return NodeEffects(
        _table(listed),
        method,
        float(here.metric[0]),
        float("nan") if there is None else float(there.metric[0]),
    )


@final
@dataclass(frozen=True, eq=False)
class SiteDifference:
    """What differs at a site between two inputs, as nodes that add up to it.

    steps, latents (-1 for an error), kinds: of each node. changes: what the node adds at its step,
    [nodes, d]; total: the sum at every step, [time, d].
    """

    site: str
    kinds: Sequence[str]
    steps: Int[Tensor, " nodes"]
    latents: Int[Tensor, " nodes"]
    changes: Float[Tensor, "nodes d"]
    total: Float[Tensor, "time d"]

    def effects(self, slope: Float[Tensor, "1 time d"]) -> Float[Tensor, " nodes"]:
        """The dot product of every change with the gradient at its step."""
        return (self.changes * slope[0][self.steps]).sum(1)


def _difference(
    site: str, sae: Dictionary | None, here: SitePass, there: SitePass | None
) -> SiteDifference:
    x = here.activations[site][0].float()
    y = torch.zeros_like(x) if there is None else there.activations[site][0].float()
    time, d = x.shape
    if sae is None:
        change = y - x
        steps = torch.arange(time).repeat_interleave(d)
        latents = torch.arange(d).repeat(time)
        changes = torch.zeros(time * d, d)
        changes[torch.arange(time * d), latents] = change.flatten()
        return SiteDifference(site, ["dimension"] * (time * d), steps, latents, changes, change)
    code = sae.encode(x)
    rows, indices, values = [code.row_of_entry], [code.indices], [-code.values]
    error = -(x - sae.decode(code))
    if there is not None:
        new = sae.encode(y)
        rows.append(new.row_of_entry)
        indices.append(new.indices)
        values.append(new.values)
        error = error + (y - sae.decode(new))
    places = torch.cat(rows) * sae.width + torch.cat(indices)
    unique, inverse = places.unique(return_inverse=True)
    deltas = torch.zeros(len(unique)).index_add(0, inverse, torch.cat(values).detach())
    steps, latents = unique // sae.width, unique % sae.width
    written = sae.atoms.detach()[latents] * sae.output_normalisation.scale * deltas[:, None]
    total = torch.zeros(time, d).index_add(0, steps, written) + error
    return SiteDifference(
        site,
        ["latent"] * len(unique) + ["error"] * time,
        torch.cat([steps, torch.arange(time)]),
        torch.cat([latents, torch.full((time,), -1)]),
        torch.cat([written, error]).detach(),
        total.detach(),
    )


@final
class _Runner:
    """Runs a model with changes at its sites, and measures a metric."""

    def __init__(
        self, model: nn.Module, sites: Sequence[str], metric: MetricLike, tokenizer: Any
    ) -> None:
        self._model, self._sites, self._tokenizer = model, list(sites), tokenizer
        self._metric = metric

    def run(
        self,
        ids: Tensor,
        gradients: bool,
        sites: Sequence[str] | None = None,
        changes: Mapping[str, Float[Tensor, "batch time d"]] | None = None,
    ) -> SitePass:
        """A pass over copies of the tokens, one for each row of the changes."""
        batch = max((len(one) for one in (changes or {}).values()), default=1)
        tokens = ids.expand(batch, len(ids))
        metric: OutputMetric = output_metric(self._metric, tokens, self._tokenizer)
        replace = {site: _plus(change) for site, change in (changes or {}).items()}
        chosen = self._sites if sites is None else sites
        return site_pass(self._model, tokens, chosen, metric, gradients, replace)

    def mean_gradient(
        self, ids: Tensor, one: SiteDifference, points: int
    ) -> Float[Tensor, "1 time d"]:
        """The gradient at one site, averaged over points between the two inputs there."""
        shares = (torch.arange(points) + 0.5) / points
        parts = []
        for some in shares.split(_AT_ONCE):
            changes = {one.site: some[:, None, None] * one.total}
            parts.append(self.run(ids, True, [one.site], changes).gradients[one.site])
        return torch.cat(parts).mean(0, keepdim=True).float()


def _plus(change: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: x + change.to(x)


def _patched(
    runner: _Runner,
    ids: Tensor,
    listed: Sequence[tuple[SiteDifference, Tensor]],
    most: int,
    metric: float,
) -> list[tuple[SiteDifference, Tensor]]:
    """The measured effects of the nodes whose estimates are largest; others are NaN."""
    sizes = torch.cat([effects.abs() for _, effects in listed])
    largest = torch.zeros(len(sizes), dtype=torch.bool)
    largest[sizes.topk(min(most, len(sizes))).indices] = True
    found = []
    for (one, effects), mask in zip(
        listed, largest.split([len(effects) for _, effects in listed]), strict=True
    ):
        measured = torch.full_like(effects, float("nan"))
        for nodes in mask.nonzero()[:, 0].split(_AT_ONCE):
            changes = torch.zeros(len(nodes), len(ids), one.changes.shape[1])
            changes[torch.arange(len(nodes)), one.steps[nodes]] = one.changes[nodes]
            values = runner.run(ids, False, [one.site], {one.site: changes}).metric
            measured[nodes] = values.to(measured) - metric
        found.append((one, measured))
    return found


def _table(listed: Sequence[tuple[SiteDifference, Tensor]]) -> Any:
    sites: list[str] = []
    kinds: list[str] = []
    steps: list[int] = []
    latents: list[int] = []
    effects: list[float] = []
    for one, values in listed:
        kept = ~values.isnan()
        places = kept.nonzero()[:, 0].tolist()
        sites += [one.site] * len(places)
        kinds += [one.kinds[place] for place in places]
        steps += one.steps[kept].tolist()
        latents += one.latents[kept].tolist()
        effects += values[kept].tolist()
    return effect_table(sites, kinds, steps, latents, effects)


def dictionaries_by_path(
    loaded: LoadedModel, dictionaries: Mapping[str, Dictionary | None]
) -> dict[str, Dictionary | None]:
    """The dictionaries by the paths of their sites in this model.

    Errors: ConfigError for one that is no SAE of single steps; those of `steered_sites`.
    """
    for site, sae in dictionaries.items():
        if sae is not None and (
            sae.is_stateful or sae.out_dims is not None or sae.skip is not None
        ):
            raise ConfigError(
                f"got the dictionary {sae.name!r} for the site {site!r}, expected an SAE that "
                "reconstructs what it reads from each step alone; st.circuit takes transcoders"
            )
    plain: dict[str, Dictionary | None] = {
        s: None for s, sae in dictionaries.items() if sae is None
    }
    trained = {site: sae for site, sae in dictionaries.items() if sae is not None}
    return {**plain, **steered_sites(loaded, trained)} if trained else plain
