"""st.steer: a model whose features are edited over a span of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import nn

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.interventions.span import Span
from sparsetime.interventions.spans import steps as all_steps
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.steering.edit_plan import Edits, checked_edits, plan_edits
from sparsetime.steering.edits import Ablate
from sparsetime.steering.prompts import special_tokens
from sparsetime.steering.sample import sample_of
from sparsetime.steering.steered import Steered
from sparsetime.steering.steered_passes import SteeredPasses
from sparsetime.steering.steered_sites import sites_to_steer
from sparsetime.steering.strength import unit_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex

Dictionaries: TypeAlias = "Dictionary | Mapping[str, Dictionary]"


def steer(
    model: nn.Module | LoadedModel,
    dictionaries: Dictionaries,
    edits: Edits | Mapping[str, Edits],
    *,
    span: Span | None = None,
    units: str | None = None,
    index: FeatureIndex | Mapping[str, FeatureIndex] | None = None,
    data: Any = None,
    keep_error: bool = True,
    tokenizer: PreTrainedTokenizerBase | None = None,
    seconds_per_step: float | None = None,
    time_axis: int = 1,
    seed: int = 0,
) -> Steered:
    """A model whose features are edited over a span of time.

        x'_t = x_t + w_t (decode(code'_t) - decode(code_t))

    code' is the code with edited activations and w_t in [0, 1] the weight of the span, so what the
    dictionary does not explain is kept. A whole pass, a pass in pieces, generation with a cache
    and a stream have the same result.

    model: any module; a causal language model with its head to `generate` and `read`.
    dictionaries: one, at the site that it was trained at, or one by site; a transcoder encodes the
    site that it reads, and what its edited features write is added at the other. edits: by feature
    a strength to add, an edit of `st.edits`, or several; by site where there are several. span: of
    `st.spans`; None for every step. units: of strengths, "peak" (of the feature, from `index`),
    "spread" (of the site's activations) or "activation"; None takes peaks where there is an index,
    else spreads. data: a store or activations of the site, for ablation by mean or resampling.
    keep_error: False puts decode(code') in place of the activation. seconds_per_step: for spans in
    seconds. time_axis: of the sites' tensors.

    Errors: before any work ConfigError for features and settings out of range; MismatchError for a
    dictionary of another model or site, and an index of another dictionary; UnknownNameError for a
    site that does not exist.
    """
    loaded = load_model(model, tokenizer)
    sites = sites_to_steer(loaded, dictionaries)
    chosen = all_steps() if span is None else span
    plans = {}
    # Sites under the names that the caller gave, and under their paths in this model.
    names = dictionaries if isinstance(dictionaries, Mapping) else [None]
    own_edits = _by_site(edits, dictionaries)
    for name, (site, one) in zip(names, sites.items(), strict=True):
        sae = one.dictionary
        peaks = _of_site(index, name)
        checked = checked_edits(own_edits[name], sae.width, site)
        unit = unit_of(units, peaks, sae)
        sample = sample_of(sae, checked, _of_site(data, name))
        plan = plan_edits(sae, checked, chosen, unit, peaks, keep_error, sample)
        plans[site] = (sae, plan)
    special = special_tokens(loaded.tokenizer)
    reads = {site: one.read for site, one in sites.items() if one.read is not None}
    passes = SteeredPasses(loaded.model, plans, special, time_axis, seed, reads)
    return Steered(passes, loaded, seconds_per_step)


def ablate(
    model: nn.Module | LoadedModel,
    dictionaries: Dictionaries,
    features: Sequence[int] | Mapping[str, Sequence[int]],
    *,
    by: str = "zero",
    span: Span | None = None,
    data: Any = None,
    **settings: Any,
) -> Steered:
    """A model without some features: `steer` with `st.edits.ablate(by)` of each.

    by: "zero", "mean" over `data`, or "resample" from it. settings: those of `steer`. Errors: as
    `steer`.
    """
    if isinstance(features, Mapping):
        edits: Any = {
            site: {feature: Ablate(by=by) for feature in own} for site, own in features.items()
        }
    else:
        edits = {feature: Ablate(by=by) for feature in features}
    return steer(model, dictionaries, edits, span=span, data=data, **settings)


def _by_site(edits: Any, dictionaries: Dictionaries) -> dict[str | None, Any]:
    """The edits of every site, under the name that the caller gave it; None for the only one."""
    if not isinstance(dictionaries, Mapping):
        return {None: edits}
    if not isinstance(edits, Mapping) or any(not isinstance(key, str) for key in edits):
        raise ConfigError(
            "got dictionaries by site and edits without sites, expected edits by site too, such "
            "as {site: {12: 2.0}}"
        )
    unknown = [site for site in edits if site not in dictionaries]
    if unknown:
        raise unknown_name("site of the edits", unknown[0], dictionaries)
    return {site: edits.get(site, {}) for site in dictionaries}


def _of_site(values: Any, site: str | None) -> Any:
    """What was given for a site, or for all of them."""
    return values.get(site) if isinstance(values, Mapping) and site is not None else values
