"""Passes of a language model in pieces with its cache, and generation token by token."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.model_inputs import check_length
from sparsetime.interventions.model_pass import CACHES
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.forward_signature import forward_parameters


@final
class CachedReader:
    """Reads a text in pieces, keys and values (or the state) of earlier pieces in the cache.

    A model without a cache reads the whole text again for each piece.
    """

    def __init__(self, model: nn.Module, use_cache: bool = True) -> None:
        parameters = forward_parameters(model)
        self._model = model
        self._cache_name = next((n for n in CACHES if n in parameters), None) if use_cache else None
        self._switch = "use_cache" in parameters
        self._names_ids = "input_ids" in parameters
        self._cache: Any = None
        self._tokens: Tensor | None = None

    @property
    def continues(self) -> bool:
        """Whether passes continue each other, rather than read the whole text again."""
        return self._cache_name is not None

    def read(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocabulary"]:
        """The logits of the next tokens of every sequence.

        Errors: DataError where the model gives no logits.
        """
        keywords: dict[str, Any] = {}
        if self._switch:
            keywords["use_cache"] = self.continues
        given = tokens
        if self._cache_name is not None:
            if self._cache is not None:
                keywords[self._cache_name] = self._cache
        else:
            earlier = [] if self._tokens is None else [self._tokens]
            given = self._tokens = torch.cat([*earlier, tokens], 1)
        # Entered at each pass: a generator that held it would change the modes of its caller.
        with eval_mode(self._model):
            if self._names_ids:
                output = self._model(input_ids=given, **keywords)
            else:
                output = self._model(given, **keywords)
        if self._cache_name is not None:
            self._cache = getattr(output, self._cache_name, None)
        return logits_of(output, self._model)[:, -tokens.shape[1] :]


def logits_of(output: Any, model: nn.Module) -> Float[Tensor, "batch time vocabulary"]:
    """The logits of a language model's output. Errors: DataError where it has none."""
    logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
    if not isinstance(logits, Tensor) or logits.ndim != 3:
        raise DataError(
            f"{type(model).__name__} gives no logits [batch, time, vocabulary]; it takes a "
            "language model with its head, as transformers' AutoModelForCausalLM loads it"
        )
    return logits


@final
@dataclass(frozen=True)
class GeneratedToken:
    """The next token of every sequence, and the logits that it was chosen from."""

    tokens: Int[Tensor, " batch"]
    logits: Float[Tensor, "batch vocabulary"]


def generate_tokens(
    model: nn.Module,
    prompt: Int[Tensor, "batch time"],
    steps: int,
    *,
    temperature: float = 0.0,
    ends: Collection[int] = (),
    pieces: int | None = None,
    use_cache: bool = True,
    seed: int = 0,
) -> Iterator[GeneratedToken]:
    """Generate tokens one by one, as they come.

    temperature: 0 takes the most likely token; otherwise tokens are sampled from
    softmax(logits / temperature). ends: tokens after which a sequence ends; generation stops when
    all have. pieces: steps of the prompt that are read at once; None reads it whole. The token
    that is generated last is not read by the model.

    Errors: ConfigError for settings out of range, and a model whose context is shorter;
    DataError where the model gives no logits.
    """
    if steps < 1 or temperature < 0 or (pieces is not None and pieces < 1) or not prompt.numel():
        raise ConfigError(
            f"got steps={steps}, temperature={temperature}, pieces={pieces} and a prompt of shape "
            f"{list(prompt.shape)}; expected at least one step, a temperature from 0 on and a "
            "prompt of at least one token"
        )
    check_length(model, prompt.shape[1] + steps - 1, "number of steps, or a shorter prompt")
    device = next(iter(model.parameters()), prompt).device
    reader = CachedReader(model, use_cache)
    ended = torch.zeros(len(prompt), dtype=torch.bool)
    stops = torch.tensor(sorted(ends), dtype=torch.int64)
    generator = seeds.torch_generator(seed, "generated continuation")
    # Pieces without a cache would read the beginning again and again.
    whole = pieces is None or not reader.continues
    given = (prompt,) if whole else prompt.split(pieces or 1, dim=1)
    for piece in given:
        logits = reader.read(piece.to(device))[:, -1]
    for step in range(steps):
        chosen = _chosen(logits, temperature, generator)
        yield GeneratedToken(chosen, logits)
        ended |= torch.isin(chosen, stops)
        if step + 1 == steps or bool(ended.all()):
            return
        logits = reader.read(chosen[:, None].to(device))[:, -1]


def _chosen(
    logits: Float[Tensor, "batch vocabulary"], temperature: float, generator: torch.Generator
) -> Int[Tensor, " batch"]:
    if temperature == 0:
        return logits.argmax(1).cpu()
    probabilities = (logits.double().cpu() / temperature).softmax(1)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
