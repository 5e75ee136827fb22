"""Windows of data on which effects are measured, and the step of each at which an edit begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.activations.sampling.model_windows import held_out_windows
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.load import LoadedModel
from sparsetime.steering.prompts import tokens_of
from sparsetime.tensors import as_tensor

ONSET = "onset"
_ADVICE = (
    "a window holds the steps before the edit, `hold` and `lags`; give smaller lags= or hold=, at= "
    "an early step, or longer data"
)


@final
@dataclass(frozen=True, eq=False)
class EffectWindows:
    """Windows of one length, and the steps of each that are compared.

    inputs: tokens [windows, time], or rows [windows, time, channels]. begins: the first compared
    step of each; steps: how many.
    """

    inputs: Tensor
    begins: Int[np.ndarray, " windows"]
    steps: int

    def parts(self, size: int) -> list[EffectWindows]:
        """The windows in parts of at most `size`."""
        return [
            EffectWindows(self.inputs[i : i + size], self.begins[i : i + size], self.steps)
            for i in range(0, len(self.begins), size)
        ]

    def take(self, which: Bool[np.ndarray, " windows"]) -> EffectWindows:
        """The windows that are marked."""
        return EffectWindows(self.inputs[torch.from_numpy(which)], self.begins[which], self.steps)


def windows_of(data: Any, model: LoadedModel, length: int, count: int) -> Tensor:
    """At most `count` windows of `length` steps, each from one document.

    data: a store of texts, texts, tokens [windows, time], or rows [windows, time, channels].

    Errors: DataError where no document has that many steps, and for a store without tokens.
    """
    if isinstance(data, Store):
        if "token" not in data.reader.step_columns():
            raise DataError(
                f"{data.path} holds no tokens, and its inputs are not in it; give the inputs as "
                "[windows, time, channels]"
            )
        found = held_out_windows(data, length, count * length, model.tokenizer, _ADVICE)
        return found.tokens[:count]
    if isinstance(data, str) or (isinstance(data, Sequence) and data and isinstance(data[0], str)):
        texts = [data] if isinstance(data, str) else list(data)
        tokens = [tokens_of(text, model)[0] for text in texts]
        parts = [row.unfold(0, length, length) for row in tokens if len(row) >= length]
        if not parts:
            longest = max((len(row) for row in tokens), default=0)
            raise DataError(
                f"got texts of at most {longest} tokens, expected at least {length}: {_ADVICE}"
            )
        return torch.cat(parts)[:count]
    rows = as_tensor(data, "the data")
    if rows.ndim not in (2, 3) or rows.shape[1] < length:
        raise DataError(
            f"got data of shape {list(rows.shape)}, expected [windows, time] tokens or [windows, "
            f"time, channels] with at least {length} steps: {_ADVICE}"
        )
    return rows[:count, :length]


def check_at(at: str | int) -> None:
    """Errors: ConfigError for what is neither "onset" nor the number of a step."""
    if at != ONSET and (isinstance(at, str) or at < 0):
        raise ConfigError(f"got at={at!r}, expected 'onset' or a step from 0 on")


def first_steps(
    at: str | int,
    activation: Float[np.ndarray, "windows time"],
    before: int,
    after: int,
) -> Int[np.ndarray, " windows"]:
    """The first edited step of each window; -1 where there is none.

    at: "onset", the first step from `before` on at which the feature starts to be active, with
    `after` steps left; or the number of a step.
    """
    if at != ONSET:
        return np.full(len(activation), int(at))
    is_active = activation != 0
    starts = is_active[:, 1:] & ~is_active[:, :-1]
    starts[:, : max(before, 1) - 1] = False
    starts[:, activation.shape[1] - after :] = False
    return np.where(starts.any(1), starts.argmax(1) + 1, -1)
