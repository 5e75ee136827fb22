"""st.circuit: the attribution graph of one input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparsetime.circuits.attribution import Attribution, Sources, chosen_rows
from sparsetime.circuits.attribution_graph import AttributionGraph, graph_scores
from sparsetime.circuits.nodes import node_table, square
from sparsetime.circuits.replacement import Replacement, replacements
from sparsetime.circuits.targets import TargetLike, target_vectors, tokens_of
from sparsetime.circuits.traced import Traced
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, MismatchError, UnknownNameError, unknown_name
from sparsetime.interventions.linearised_pass import LinearisedPass, linearised_pass, unembedding
from sparsetime.interventions.nonlinear_modules import token_embedding
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel
from sparsetime.models.model_hash import is_model


def circuit(
    model: str | Path | nn.Module | LoadedModel,
    dictionaries: Mapping[str, Dictionary] | Sequence[Dictionary],
    text: Any,
    targets: TargetLike | Sequence[TargetLike] | None = None,
    *,
    nodes: int = 2000,
    tokenizer: Any = None,
) -> AttributionGraph:
    """Trace which features, errors and tokens an output or a feature comes from.

        value of a node = sum of contributions of features, errors, tokens and biases

    The pass is linearised: attention patterns, normalisation scales and gates are frozen, so that
    contributions are exact and sum to the value. It does not show why a head attends where it does.

    model: with its head; its activations must be float32. dictionaries: by site, or a list of
    dictionaries that know their sites: transcoders, skip transcoders, cross-layer transcoders, and
    SAEs of the residual stream. Layers without one are error nodes, and so are steps that a
    dictionary's training left out. text: a text, or tokens [time].
    targets: tokens or what `st.circuits.logit`, `logit_difference`, `feature` and `onset` make;
    None for the likeliest next tokens, each less the mean logit. nodes: the most features, in order
    of influence; what the others contribute is counted as error.

    Source: Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language Models.

    Errors: DataError where the pass is not affine or contributions do not sum to the value within
    1e-4, with the largest error; ConfigError for targets, sites or dictionaries that do not fit;
    MismatchError for dictionaries of another model or site.
    """
    if nodes < 1:
        raise ConfigError(f"got nodes={nodes}, expected at least 1")
    loaded = load_causal_model(model, tokenizer)
    module = loaded.model
    replaced = replacements(module, dictionaries)
    _check_model(replaced, loaded)
    tokens, texts = tokens_of(text, loaded.tokenizer)
    head = unembedding(module)
    linearised = _pass(module, tokens, replaced, head)
    sources = _sources(module, linearised, replaced, tokens)
    attribution = Attribution(linearised, sources)
    direction = _Directions(replaced)
    chosen_targets = target_vectors(
        targets, linearised.reads[head][0].detach().float(), head, loaded.tokenizer, direction
    )
    target_rows, chosen, feature_rows = chosen_rows(attribution, chosen_targets, nodes)
    table = node_table(sources, chosen, chosen_targets, texts)
    weights = square(target_rows, chosen, feature_rows, sources)
    about = {
        "model": loaded.name,
        "model_hash": loaded.revision_or_hash,
        "tokens": tokens.tolist(),
        "texts": texts,
        "targets": [{"name": t.name, "step": t.step, "weight": t.weight} for t in chosen_targets],
        "writes": list(linearised.writes),
        "dictionaries": [one.dictionary.name for one in replaced],
        "features": sources.feature_count,
        "frozen": linearised.frozen_counts,
        "guards": {**asdict(linearised.guards), "worst_sum": attribution.worst_sum},
    }
    traced = Traced.of_sources(module, tokens, chosen_targets, sources, chosen)
    return AttributionGraph(table, weights, graph_scores(table, weights), about, traced=traced)


def _pass(
    model: nn.Module, tokens: torch.Tensor, replaced: Sequence[Replacement], head: str
) -> LinearisedPass:
    writes = [name for one in replaced for name in one.writes]
    reads = dict.fromkeys(name for one in replaced for name in one.reads)
    carried = {name: part for one in replaced for name, part in one.carried().items()}
    return linearised_pass(model, tokens, writes, [*reads, head], carried=carried)


def _sources(
    model: nn.Module,
    linearised: LinearisedPass,
    replaced: Sequence[Replacement],
    given: torch.Tensor,
) -> Sources:
    reads = {name: x[0] for name, x in linearised.reads.items()}
    writes = {name: x[0] for name, x in linearised.writes.items()}
    features = [one.active_features(reads, writes, given) for one in replaced]
    tokens = token_embedding(model)
    tokens = tokens if tokens in writes else None
    errors = [name for name in writes if name != tokens]
    return Sources(features, replaced, errors, tokens, len(given))


class _Directions:
    """The direction that a feature reads, by the site of its dictionary and its number."""

    def __init__(self, replaced: Sequence[Replacement]) -> None:
        self._by_site = {name: one for one in replaced for name in (*one.reads, *one.writes)}

    def __call__(self, site: str, latent: int) -> tuple[str, torch.Tensor, float]:
        if site not in self._by_site:
            raise unknown_name("site of a dictionary", site, self._by_site)
        return self._by_site[site].direction(latent)


def _check_model(replaced: Sequence[Replacement], loaded: LoadedModel) -> None:
    for one in replaced:
        provenance = one.dictionary.provenance
        trained_on, trained_at = provenance.get("model_hash"), provenance.get("site")
        if trained_on and not is_model(loaded.model, loaded.revision_or_hash, trained_on):
            raise MismatchError(
                f"the dictionary {one.dictionary.name!r} of {one.writes[0]!r} was trained on "
                "another model than the one given; clear dictionary.provenance to use it all the "
                "same"
            )
        try:
            (own,) = replacements(loaded.model, [one.dictionary]) if trained_at else (one,)
        except UnknownNameError:
            continue  # of no recorded model, such as a site named as in another library
        if (own.reads, own.writes) != (one.reads, one.writes):
            raise MismatchError(
                f"got the site {one.writes[0]!r} for a dictionary that was trained at "
                f"{trained_at!r}; give it there, or clear dictionary.provenance to try it elsewhere"
            )
