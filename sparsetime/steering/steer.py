"""st.steer: a model whose features are edited over a span of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import nn

from sparsetime.interventions.span import Span
from sparsetime.interventions.spans import steps as all_steps
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.steering.edit_plan import Edits
from sparsetime.steering.edits import Ablate
from sparsetime.steering.prompts import special_tokens
from sparsetime.steering.site_edits import edits_of_sites
from sparsetime.steering.steered import Steered
from sparsetime.steering.steered_passes import SteeredPasses
from sparsetime.steering.steered_sites import sites_to_steer

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
    own = edits_of_sites(sites, dictionaries, edits, units, index, data)
    plans = {site: (one.dictionary, one.plan(chosen, keep_error)) for site, one in own.items()}
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
