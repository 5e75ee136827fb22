"""Document: one sequence to capture, with its labels and its times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.capture.recording import Recording
from sparsetime.errors import DataError
from sparsetime.tensors import as_tensor, as_tokens, dtype_name

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
    are given in `times`, one a step of tokens or values, ascending; `start` and `step` then are the
    first and the mean distance.

    `decoder_tokens` (integers [steps]) are what the decoder of an encoder-decoder model reads, such
    as a translation or a transcript; sites of the decoder have a row for each.
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
    times: Any = None
    decoder_tokens: Any = None

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
        if self.decoder_tokens is not None:
            what = f"the decoder_tokens of the document {self.id!r}"
            normalised["decoder_tokens"] = as_tokens(self.decoder_tokens, what).reshape(-1)
        if self.times is not None:
            normalised |= self._uneven(len(normalised.get(kind, ())))
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

    def time_of(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """The times at which steps begin; fractions lie between, and the ends are continued."""
        if self.times is None:
            return self.start + self.step * steps
        edges = np.append(self.times, self.times[-1] + self.step)
        inside = np.interp(steps, np.arange(len(edges)), edges)
        beyond = np.where(steps < 0, steps, np.maximum(steps - len(self.times), 0))
        times: NDArray[np.float64] = inside + beyond * self.step
        return times

    @property
    def kind(self) -> Kind:
        """What the document holds."""
        if self.text is not None:
            return "text"
        return "tokens" if self.tokens is not None else "values"

    def __len__(self) -> int:
        """Characters of a text, steps of the others."""
        return len(getattr(self, self.kind))

    def _uneven(self, steps: int) -> dict[str, Any]:
        """Fields of times that are given one by one. Errors: DataError where they go back."""
        times = as_tensor(self.times, f"the times of the document {self.id!r}", "are")
        values = times.double().cpu().numpy()
        if values.shape == (0,) and not steps:
            return {"times": None}
        if values.shape != (steps,):
            raise DataError(
                f"got times of shape {list(values.shape)} for the {steps} steps of the document "
                f"{self.id!r}, expected one for each step of tokens or values"
            )
        bad = np.flatnonzero(~(np.diff(values, prepend=-np.inf) > 0) | ~np.isfinite(values))
        if len(bad):
            row = int(bad[0])
            before = f" after {values[row - 1]:g}" if row else ""
            raise DataError(
                f"got the time {values[row]:g}{before} at row {row} of the document {self.id!r}, "
                "expected finite times that ascend; sort the rows, or leave out those that go back"
            )
        step = float((values[-1] - values[0]) / (steps - 1)) if steps > 1 else self.step
        return {"times": values, "start": float(values[0]), "step": step}

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
        if len(tensor) and not tensor.numel():
            raise DataError(
                f"got {dtype_name(tensor)} {list(tensor.shape)} as the {kind} of the document "
                f"{self.id!r}, expected at least one number a step; leave it out"
            )
        channels = () if self.recording is None else self.recording.channels
        if channels and tensor.ndim == 2 and len(channels) != tensor.shape[1]:
            raise DataError(
                f"got {len(channels)} names of channels for the document {self.id!r}, whose values "
                f"have {tensor.shape[1]}; name each one"
            )
        return tensor.detach()
