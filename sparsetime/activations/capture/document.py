"""Document: one sequence to capture, with its labels and its times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

import numpy as np
from torch import Tensor

from sparsetime.activations.capture.recording import Recording
from sparsetime.errors import DataError
from sparsetime.tensors import as_tensor, dtype_name

Label: TypeAlias = str | int | float | bool
Kind: TypeAlias = Literal["text", "tokens", "values"]
#: Start and step of a document in time.
Times: TypeAlias = tuple[float, float]


@final
@dataclass(frozen=True, eq=False)
class Document:
    """One sequence: a text, an array of tokens, or an array of values over time.

    Exactly one of `text`, `tokens` (integers [time]) and `values` is given. Values are [time],
    [time, features], or steps of any rank, such as frames [time, height, width, 3].
    `labels` hold for the whole document. `step_labels` give one value a step, in a sequence or an
    array: a token of `tokens`, a row of `values`, a token of `text` once tokenised. `spans` give
    the value of the characters from `start_char` to `end_char` (exclusive) of a text: a token gets
    the value of the last span that holds its first character, or null.

    `recording` holds the sampling rate, the channels and the file of values; a rate of r Hz makes
    `step` 1 / r and `unit` "second" where they are not given. `events` are rows with `onset`,
    `duration` and `trial_type`, in its unit, which a capture stores (`store.events`).

    Step `i` is at the time `start + i * step`, counted in `unit`s ("token", "second", "frame";
    by default "token" for texts and tokens, "step" for values). Times that are not evenly spaced
    go into `step_labels`.
    """

    id: str
    text: str | None = None
    tokens: Any = None
    values: Any = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    step_labels: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Sequence[tuple[int, int, Any]]] = field(default_factory=dict)
    start: float = 0.0
    step: float = 1.0
    unit: str = ""
    source: str = ""
    recording: Recording | None = None
    events: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        kinds: tuple[Kind, ...] = ("text", "tokens", "values")
        contents = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(contents) != 1:
            raise DataError(
                f"the document {self.id!r} needs exactly one of text, tokens and values; it has "
                f"{' and '.join(contents) or 'none'}"
            )
        kind = contents[0]
        rate = None if self.recording is None else self.recording.rate
        if rate is not None and self.step == 1.0 and self.unit in ("", "second"):
            vars(self).update(step=1 / rate, unit="second")
        normalised: dict[str, Any] = {
            "id": str(self.id),
            "unit": self.unit or ("step" if kind == "values" else "token"),
        }
        texts = {**normalised, "text": self.text, "source": self.source}
        for name, value in texts.items():
            if value is not None:
                self._check_text(name, value)
        normalised["labels"] = {
            name: self._label(name, value) for name, value in self.labels.items()
        }
        if kind != "text":
            normalised[kind] = self._tensor(getattr(self, kind), kind)
        # The constructor takes arrays of any library; a document has tensors and never changes.
        vars(self).update(normalised)
        if self.spans and self.text is None:
            raise DataError(
                f"the document {self.id!r} has spans but no text; spans count characters, so use "
                f"step_labels for {kind}"
            )
        for name in ("start", "step"):
            if not math.isfinite(getattr(self, name)):
                raise DataError(
                    f"the document {self.id!r} has {name}={getattr(self, name)}; times must be "
                    f"finite"
                )
        if not self.step > 0:
            raise DataError(
                f"the document {self.id!r} has step={self.step}; the time between two steps must "
                f"be positive"
            )

    @property
    def kind(self) -> Kind:
        """What the document holds."""
        if self.text is not None:
            return "text"
        return "tokens" if self.tokens is not None else "values"

    def __len__(self) -> int:
        """Characters of a text, steps of the others."""
        return len(getattr(self, self.kind))

    def _check_text(self, name: str, value: Any) -> None:
        """Errors: DataError for a text that no file can hold."""
        shown = repr(self.id)  # as ASCII where it is the id itself that cannot be shown
        if not isinstance(value, str):
            raise DataError(
                f"the {name} of the document {shown} is a {type(value).__name__}; it must be a str"
            )
        if value.isascii():
            return
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"the {name} of the document {self.id!a} holds {value[error.start]!a} at "
                f"character {error.start}, half of a surrogate pair, which is no character; join "
                "the halves with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
            ) from error

    def _label(self, name: str, value: Any) -> Label:
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, str):
            self._check_text(f"label {name!r}", value)
        if isinstance(value, str | int | float | bool):
            return value
        raise DataError(
            f"the label {name!r} of the document {self.id!r} is a {type(value).__name__}; a label "
            f"is a text, a number or a truth value"
        )

    def _tensor(self, value: Any, kind: Kind) -> Tensor:
        tensor = as_tensor(value, f"the {kind} of the document {self.id!r}", "are")
        if kind == "values" and tensor.ndim == 1:
            tensor = tensor[:, None]
        not_tokens = tensor.ndim != 1 or tensor.is_floating_point()
        if not tensor.ndim or (kind == "tokens" and not_tokens):
            expected = "integers [time]" if kind == "tokens" else "numbers [time, ...]"
            raise DataError(
                f"got {dtype_name(tensor)} {list(tensor.shape)} as the {kind} of the document "
                f"{self.id!r}, expected {expected}"
            )
        channels = () if self.recording is None else self.recording.channels
        if channels and tensor.ndim == 2 and len(channels) != tensor.shape[1]:
            raise DataError(
                f"got {len(channels)} names of channels for the document {self.id!r}, whose values "
                f"have {tensor.shape[1]}; name each one"
            )
        return tensor.detach()
