"""A prompt continued with edited features and without, on one time axis."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sparsetime.errors import DataError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.run_cache import RunCache

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.explorer.workbench.live import Live
    from sparsetime.features.index import FeatureIndex
    from sparsetime.models.load import LoadedModel

LONGEST_PROMPT = 4_000  # characters
MOST_TOKENS = 200


class SteerInput(FrozenRecord):
    """What is continued, and how: edits as `12=2.0` or `12=set:0`, and a span as `generated()`."""

    prompt: str = Field(min_length=1, max_length=LONGEST_PROMPT)
    edits: tuple[str, ...] = Field(min_length=1, max_length=20)
    span: str = Field("", max_length=500)
    units: Literal["peak", "spread", "activation"] = "peak"
    tokens: int = Field(24, ge=1, le=MOST_TOKENS)


class SteeredStep(FrozenRecord):
    """One step: the token of each text, the weight of the span, and the divergence.

    divergence: KL(plain || edited) of the next token in nats, both on the steered text. None
    behind its end.
    """

    plain: Text | None
    steered: Text | None
    weight: float
    divergence: float | None


class SteerAnswer(FrozenRecord):
    """Both texts by step; the first `prompt_steps` are the prompt.

    relative_norm: mean added norm / norm of the site at edited steps, None where none was edited.
    """

    prompt_steps: int
    steps: list[SteeredStep]
    edited_steps: int
    relative_norm: float | None


def steered(opened: RunCache, live: Live, key: str, given: SteerInput) -> SteerAnswer:
    """Continue a prompt with and without edits of a dictionary's features.

    Errors: those of `continued` and of `Live.causal_model`.
    """
    shown = opened.dictionary(key)
    model = live.causal_model(shown.store.model_name)
    sae = opened.loaded(key)
    # A transcoder names the site that it edits beside the one of its store, which it reads.
    site = str(sae.provenance.get("site") or shown.store.site)
    with live.lock:
        return continued(model, {site: sae}, shown.index, given)


def continued(
    model: LoadedModel,
    dictionaries: dict[str, Dictionary],
    index: FeatureIndex | None,
    given: SteerInput,
) -> SteerAnswer:
    """Continue a prompt with and without edits of the features of one site.

    index: for strengths in multiples of peaks. Errors: those of `parse_edits`, `parse_span` and
    `st.steer`; DataError for a blank prompt.
    """
    from sparsetime.interventions.span_text import parse_span
    from sparsetime.steering.edit_text import parse_edits
    from sparsetime.steering.output_divergence import kl_by_step
    from sparsetime.steering.steer import steer

    if not given.prompt.strip():
        raise DataError("got a blank prompt; type a text to continue")
    (site,) = dictionaries
    edits, span = parse_edits(given.edits), parse_span(given.span or "steps()")
    plain = steer(model, dictionaries, {site: {}})
    edited = steer(
        model,
        dictionaries,
        {site: edits},
        span=span,
        units=given.units,
        index=index if given.units == "peak" else None,
    )
    own = plain.generate(given.prompt, given.tokens)
    written = edited.generate(given.prompt, given.tokens)
    length = written.prompt_length
    read = edited.read(written.tokens, prompt_length=length)
    unchanged = plain.read(written.tokens, prompt_length=length)
    (record,) = read.record.values()
    assert edited.tokenizer is not None  # it read the prompt
    decode = edited.tokenizer.decode
    texts = [
        [str(decode([token])) for token in tokens[0].tolist()]
        for tokens in (own.tokens, written.tokens)
    ]
    weight = record.weight[0].tolist()
    divergence = kl_by_step(unchanged.logits, read.logits)[0].tolist()
    steps = [
        SteeredStep(plain=one, steered=other, weight=at or 0.0, divergence=apart)
        for one, other, at, apart in zip_longest(*texts, weight, divergence)
    ]
    edited_steps = record.edited_steps
    return SteerAnswer(
        prompt_steps=length,
        steps=steps,
        edited_steps=edited_steps,
        relative_norm=record.relative_norm if edited_steps else None,
    )
