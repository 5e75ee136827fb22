"""One forward pass of a model as interventions see it: tokens, mask, and whether it continues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int
from torch import Tensor, nn

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.forward_signature import forward_parameters

#: Arguments in which models of transformers carry keys and values, or a recurrent state.
CACHES = ("past_key_values", "cache_params", "state")


@final
@dataclass(frozen=True)
class ModelPass:
    """The inputs of a forward pass.

    tokens: [batch, time], None where the model reads none. real: False for padding, None where
    there is none. earlier: steps that the cache holds, None without a cache. shape: batch and time
    of the first input, None where it has no two axes.
    """

    tokens: Int[np.ndarray, "batch time"] | None = None
    real: Bool[np.ndarray, "batch time"] | None = None
    earlier: int | None = None
    shape: tuple[int, int] | None = None


@final
class PassReader:
    """Reads the arguments of the forward passes of one model."""

    def __init__(self, model: nn.Module) -> None:
        self._names = list(forward_parameters(model))
        config = getattr(model, "config", None)
        self._pad = getattr(config, "pad_token_id", None)
        self._begin = getattr(config, "bos_token_id", None)

    def read(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ModelPass:
        """The inputs of a call.

        Errors: ConfigError for a cache of fixed size, and for padding on the left without a mask.
        """
        named = {**dict(zip(self._names, args, strict=False)), **kwargs}
        if not self._names:
            named |= {str(i): value for i, value in enumerate(args)}
        cache = next((named[n] for n in CACHES if named.get(n) is not None), None)
        _check_cache(cache)
        ids = named.get("input_ids")
        first = ids if isinstance(ids, Tensor) else _first_tensor(named)
        shape = None if first is None or first.ndim < 2 else (first.shape[0], first.shape[1])
        tokens = None
        if isinstance(first, Tensor) and first.ndim == 2 and not first.is_floating_point():
            tokens = first.detach().cpu().numpy().astype(np.int64)
        mask, earlier = named.get("attention_mask"), _steps_of(cache)
        real = None
        if isinstance(mask, Tensor) and mask.ndim == 2 and shape is not None:
            real = mask[:, -shape[1] :].detach().cpu().numpy().astype(bool)
            real = None if real.all() else real
        elif tokens is not None and mask is None and not earlier:
            self._check_padding(tokens)
        return ModelPass(tokens, real, earlier, shape)

    def _check_padding(self, tokens: Int[np.ndarray, "batch time"]) -> None:
        if self._pad is None or self._pad == self._begin:
            return
        padded = tokens[:, 0] == self._pad
        if padded.any() and not padded.all():
            raise ConfigError(
                f"got sequences that begin with the padding token {self._pad} and no "
                "attention_mask, so that steps cannot be numbered; give the tokenizer's "
                "attention_mask, or pad on the right"
            )


def _check_cache(cache: Any) -> None:
    """Errors: ConfigError for a cache of fixed size, as compiled passes use it."""
    if type(cache).__name__.startswith("Static") or getattr(cache, "is_compileable", False) is True:
        raise ConfigError(
            f"got a cache of fixed size ({type(cache).__name__}), whose compiled pass runs without "
            "hooks; generate with the default cache (cache_implementation=None)"
        )


def _steps_of(cache: Any) -> int | None:
    """Steps that a cache holds; 1 for a recurrent state that does not count them."""
    if cache is None:
        return None
    count = getattr(cache, "get_seq_length", None)
    if callable(count):
        try:
            return int(count())
        except (ValueError, NotImplementedError, TypeError):  # of states without a length
            return 1 if getattr(cache, "has_previous_state", True) else 0
    if isinstance(cache, Tensor | list | tuple):
        return 1 if len(cache) else 0
    return 1 if getattr(cache, "has_previous_state", True) else 0


def _first_tensor(named: Mapping[str, Any]) -> Tensor | None:
    return next((value for value in named.values() if isinstance(value, Tensor)), None)


def check_generation(settings: Mapping[str, Any]) -> None:
    """Check the settings of transformers' `generate`.

    Errors: ConfigError for those under which a row of the batch does not stay one sequence that is
    read step by step: beams, assisted decoding, caches of fixed size.
    """
    config = settings.get("generation_config")

    def chosen(name: str) -> Any:
        return settings.get(name, getattr(config, name, None))

    if (chosen("num_beams") or 1) > 1:
        raise ConfigError(
            f"got num_beams={chosen('num_beams')}: beams exchange their sequences between steps, "
            "so no span or state would belong to one text; expected num_beams=1"
        )
    for name in ("assistant_model", "prompt_lookup_num_tokens", "assistant_early_exit"):
        if chosen(name) is not None:
            raise ConfigError(
                f"got {name}: assisted decoding reads tokens that it may take back; generate "
                "without it"
            )
    if str(chosen("cache_implementation") or "").split("_")[-1] == "static":
        raise ConfigError(
            f"got cache_implementation={chosen('cache_implementation')!r}, whose compiled pass "
            "runs without hooks; leave it out"
        )


def check_cache_size(batch: int, seen: Int[np.ndarray, " batch"], earlier: int) -> None:
    """Errors: MismatchError for a cache that holds other steps than this run has seen."""
    if len(seen) != batch or (earlier > 1 and int(seen.max(initial=0)) == 0):
        raise MismatchError(
            f"got a cache of {earlier} steps of {batch} sequences, and this run has seen "
            f"{int(seen.max(initial=0))} steps of {len(seen)}; read the prompt within the same run"
        )


def numbered(
    seen: Int[np.ndarray, " batch"], real: Bool[np.ndarray, "batch time"] | None, time: int
) -> Int[np.ndarray, "batch time"]:
    """Numbers of the next steps behind `seen` ones, -1 for padding."""
    if real is None:
        return seen[:, None] + np.arange(time)[None]
    return np.where(real, seen[:, None] + real.cumsum(1) - 1, -1)
