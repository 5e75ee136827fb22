"""Texts of one arm at one dose, and their perplexity under the model as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.dictionaries.directions import directions
from sparsetime.errors import ConfigError
from sparsetime.interventions.logits import next_token_logits
from sparsetime.interventions.sequence_spans import FromSteps
from sparsetime.interventions.span import Span
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.steering_arm import SteeringArm
from sparsetime.steering.edits import add
from sparsetime.steering.prompts import end_tokens, tokens_of, until_end
from sparsetime.steering.steer import steer
from sparsetime.steering.steered import Steered

_NEVER = 1 << 40  # a step that no sequence reaches


@final
@dataclass(frozen=True, eq=False)
class ArmTexts:
    """Continuations of prompts, and the loss of each in nats a token under the unsteered model.

    The loss is behind the prompt as it was given to all arms, without an arm's own words.
    """

    texts: list[str]
    losses: Float[np.ndarray, " texts"]

    @property
    def perplexity(self) -> float:
        """Perplexity: exp(mean loss)."""
        return float(np.exp(self.losses.mean()))


def arm_texts(
    model: LoadedModel,
    site: str,
    arm: SteeringArm,
    prompts: Sequence[str],
    norm: float,
    steps: int,
    span: Span | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> ArmTexts:
    """Continue prompts under an arm, those of one length at once.

    norm: of the added vector, in the site's units, with its sign; 0 adds nothing.

    Errors: ConfigError for a model without a tokenizer; those of `Steered.generate`.
    """
    if model.tokenizer is None:
        raise ConfigError("got a model without a tokenizer, expected one whose texts can be judged")
    given = [prompt if arm.prompt is None else arm.prompt(prompt) for prompt in prompts]
    tokens = [tokens_of(text, model)[0] for text in given]
    texts, written = [""] * len(prompts), [torch.empty(0, dtype=torch.int64)] * len(prompts)
    for places, batch in by_length(tokens):
        run = _steered(model, site, arm, [prompts[place] for place in places], norm, span)
        made = run.generate(batch, steps, temperature=temperature, seed=seed)
        assert made.texts is not None  # there is a tokenizer
        for place, text, row in zip(places, made.texts, made.tokens, strict=True):
            texts[place] = text
            written[place] = until_end(row[made.prompt_length :], end_tokens(model.model))
    behind = [tokens_of(prompt, model)[0] for prompt in prompts]
    losses = np.zeros(len(prompts))
    whole = [torch.cat(pair) for pair in zip(behind, written, strict=True)]
    for places, batch in by_length(whole):
        with torch.no_grad():
            logits = next_token_logits(model.model, batch).cpu()
        each = functional.cross_entropy(logits, batch[:, 1:].flatten(), reduction="none")
        for place, own in zip(places, each.reshape(len(places), -1), strict=True):
            losses[place] = float(own[-len(written[place]) :].mean())
    return ArmTexts(texts, losses)


def _steered(
    model: LoadedModel,
    site: str,
    arm: SteeringArm,
    prompts: Sequence[str],
    norm: float,
    span: Span | None,
) -> Steered:
    if arm.reconstruction is not None:
        name = site if arm.read is None else f"{arm.read} -> {site}"
        return steer(
            model, {name: arm.reconstruction}, {name: {}}, span=span, units="activation",
            keep_error=False,
        )  # fmt: skip
    if arm.direction is None or not norm:
        # Without edits a dictionary is never read, so its width is without meaning.
        return steer(model, {site: directions(torch.ones(1))}, {site: {}})
    vectors = arm.directions(prompts)
    edits: Any = {0: norm}
    if len(vectors) > 1 or not isinstance(arm.direction, Tensor):
        edits = {}
        for number in range(len(vectors)):
            begins = np.full(len(prompts), _NEVER)
            begins[number] = 0
            own: Span = FromSteps(begins)
            edits[number] = add(norm).over(own if span is None else own & span)
    return steer(model, {site: directions(vectors)}, {site: edits}, span=span, units="activation")


def by_length(rows: Sequence[Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Rows [time] of equal length together, [batch, time], with their places."""
    groups: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(len(row), []).append(place)
    for places in groups.values():
        yield places, torch.stack([rows[place] for place in places])
