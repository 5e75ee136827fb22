"""Steered: a model with edits that generates, reads, streams, or runs within a `with` block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.interventions.generate import CachedReader, GeneratedToken, generate_tokens
from sparsetime.interventions.span import RunFacts
from sparsetime.models.forward_signature import forward_parameters
from sparsetime.models.load import LoadedModel
from sparsetime.steering.prompts import Prompt, end_tokens, text_of, tokens_of, until_end
from sparsetime.steering.run_record import SiteRecord
from sparsetime.steering.steered_passes import SteeredPasses


@final
@dataclass(frozen=True)
class Generation:
    """Continuations of a prompt.

    tokens: prompt and continuation. texts: of the continuations alone; None without a tokenizer.
    logits: that each generated token was chosen from. record: by site.
    """

    tokens: Int[Tensor, "batch time"]
    prompt_length: int
    texts: list[str] | None
    logits: Float[Tensor, "batch generated vocabulary"] = field(repr=False)
    record: dict[str, SiteRecord] = field(repr=False)

    @property
    def text(self) -> str:
        """The continuation of the only prompt. Errors: DataError for several, or no tokenizer."""
        if self.texts is None or len(self.texts) != 1:
            raise DataError("got several prompts or no tokenizer; read `texts` or `tokens`")
        return self.texts[0]


@final
@dataclass(frozen=True)
class Reading:
    """Logits on given tokens, teacher forced. record: by site."""

    tokens: Int[Tensor, "batch time"]
    logits: Float[Tensor, "batch time vocabulary"] = field(repr=False)
    record: dict[str, SiteRecord] = field(repr=False)


@final
class Steered:
    """A model with edits; see `steer`. Within a `with` block every forward pass is steered.

    A pass whose cache holds earlier steps continues them; any other begins new sequences, and
    reads their prompt. The model's own `generate` is checked, and works.
    """

    def __init__(
        self, passes: SteeredPasses, loaded: LoadedModel, seconds_per_step: float | None
    ) -> None:
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        self._loaded, self._passes = loaded, passes
        self._known = RunFacts(
            decode=None if self.tokenizer is None else _decoder(self.tokenizer),
            seconds_per_step=seconds_per_step,
        )

    @property
    def record(self) -> dict[str, SiteRecord]:
        """Weights and norms by site, of the sequences that were read last.

        Errors: DataError before the first pass.
        """
        if self._passes.session is None:
            raise DataError("got no pass yet, so there is no record; run the model first")
        return self._passes.session.record

    def generate(self, prompt: Prompt, steps: int = 40, **settings: Any) -> Generation:
        """Continue a prompt: a text, messages of a chat, or tokens [batch, time].

        An end token of the model ends the text of its sequence, and the generation once every
        sequence has one. settings: temperature, seed, pieces and use_cache of `generate_tokens`.

        Errors: those of `generate_tokens`, and of spans that need what a generation does not have,
        such as labels.
        """
        tokens = tokens_of(prompt, self._loaded)
        settings.setdefault("ends", end_tokens(self.model))
        given = list(self.generate_tokens(tokens, steps, **settings))
        chosen = torch.stack([token.tokens for token in given], 1)
        return Generation(
            torch.cat([tokens, chosen], 1),
            tokens.shape[1],
            None
            if self.tokenizer is None
            else [str(text_of(until_end(row, settings["ends"]), self.tokenizer)) for row in chosen],
            torch.stack([token.logits for token in given], 1),
            self.record,
        )

    def generate_tokens(
        self, prompt: Prompt, steps: int = 40, **settings: Any
    ) -> Iterator[GeneratedToken]:
        """The tokens of `generate`, one by one as they come."""
        tokens = tokens_of(prompt, self._loaded)
        self._expect(tokens, tokens.shape[1])
        settings.setdefault("ends", end_tokens(self.model))
        generated = generate_tokens(self.model, tokens, steps, **settings)
        return self._paused_between(generated)

    def read(
        self,
        texts: Prompt | Sequence[str],
        *,
        labels: Mapping[str, Sequence[Any]] | None = None,
        prompt_length: int | None = None,
        pieces: Sequence[int] | None = None,
    ) -> Reading:
        """The logits on given texts of one length, teacher forced, without gradients.

        labels: for spans `where`, of each column a label for every token; of several texts a list
        for each. prompt_length: tokens of the prompt; None for all. pieces: numbers of tokens that
        are read at once, with the cache; None for a whole pass.

        Errors: ConfigError where a span needs what is not given; DataError where the model gives
        no logits.
        """
        tokens = tokens_of(texts, self._loaded)
        columns = None
        if labels is not None:
            one = len(tokens) == 1
            columns = {n: [v] if one and not _is_nested(v) else list(v) for n, v in labels.items()}
        length = tokens.shape[1] if prompt_length is None else prompt_length
        self._expect(tokens, length, columns)
        device = next(iter(self.model.parameters()), tokens).device
        reader = CachedReader(self.model, use_cache=pieces is not None)
        sizes = [tokens.shape[1]] if pieces is None else list(pieces)
        with self._passes:
            logits = [reader.read(part.to(device)) for part in tokens.split(sizes, dim=1)]
            return Reading(tokens, torch.cat(logits, 1), self.record)

    @contextmanager
    def stream(self, batch: int = 1) -> Iterator[Self]:
        """Passes that continue each other: pieces of streams, with the model's own state.

        Errors: ConfigError for a span that needs what a stream does not hold, such as `last(n)`.
        """
        reads_tokens = "input_ids" in forward_parameters(self.model)
        facts = RunFacts(
            batch,
            has_tokens=reads_tokens,
            decode=self._known.decode,
            seconds_per_step=self._known.seconds_per_step,
        )
        self._passes.expect(facts, is_stream=True)
        with self._passes:
            yield self

    def __enter__(self) -> Self:
        self._passes.expect(self._known, is_open=True)
        self._passes.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._passes.__exit__()

    def _expect(self, tokens: Tensor, length: int, labels: Any = None) -> None:
        facts = RunFacts(
            len(tokens),
            np.full(len(tokens), length),
            True,
            self._known.decode,
            labels,
            self._known.seconds_per_step,
        )
        self._passes.expect(facts)

    def _paused_between(self, generated: Iterator[GeneratedToken]) -> Iterator[GeneratedToken]:
        with self._passes:
            try:
                for token in generated:
                    self._passes.is_paused = True  # the caller may run the model as it is
                    yield token
                    self._passes.is_paused = False
            finally:
                self._passes.is_paused = False


def _decoder(tokenizer: Any) -> Callable[[list[int]], str]:
    return lambda tokens: str(tokenizer.decode(tokens, skip_special_tokens=False))


def _is_nested(values: Any) -> bool:
    return len(values) > 0 and isinstance(values[0], list | tuple)
