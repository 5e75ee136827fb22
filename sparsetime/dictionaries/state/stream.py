"""One time step at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.dictionaries.check_input import as_activations, checked_activations
from sparsetime.errors import DataError, MismatchError
from sparsetime.segments import Segments
from sparsetime.state import RecurrentState
from sparsetime.tensors import ArrayLike


class StatefulEncoder(Protocol):
    """A dictionary as streams use it: it encodes rows that follow a recurrent state."""

    @property
    def d_in(self) -> int: ...

    @property
    def provenance(self) -> Mapping[str, Any]: ...

    @property
    def atoms(self) -> Float[Tensor, "width d"]: ...

    def encode_with_state(
        self, rows: Float[Tensor, "rows d"], segments: Segments, state: RecurrentState
    ) -> SparseCode: ...


class Stream:
    """The running state of one or many streams that are encoded as they come.

    Step by step or in pieces of some steps, the codes are those of the whole sequence. The state is
    what the dictionary's parts keep of the past; it is empty where a code depends on the present
    step alone, and never grows with time.

    steps: how many steps were encoded.
    """

    def __init__(self, dictionary: StatefulEncoder) -> None:
        self._dictionary = dictionary
        self._state = RecurrentState()
        self._streams: tuple[int, ...] | None = None
        self._times: Tensor | None = None
        self.steps = 0

    def step(
        self, x: ArrayLike, time: float | Float[Tensor, "*streams"] | None = None
    ) -> SparseCode:
        """The code of the next step of every stream, from x [*streams, d].

        Its shape is `streams`, or `(1,)` for one vector.

        time: when the step was, if it is to be checked that steps come in order. How long ago the
        last one was makes no difference to the code.

        Errors: MismatchError for another width, or other streams than before; DataError for NaN or
        inf, and for a time that is not later than the last.
        """
        x = as_activations(x)
        if x.dim() == 1:
            x = x[None]
        streams = tuple(x.shape[:-1])
        times = (
            None if time is None else torch.as_tensor(time, dtype=torch.float64).cpu()[..., None]
        )
        return self._encoded(x[..., None, :], streams, times).reshape(*streams)

    def feed(
        self,
        x: ArrayLike,
        times: Float[Tensor, "*same time"] | None = None,
    ) -> SparseCode:
        """The codes of the next steps of every stream, from x [*streams, time, d].

        Their shape is `(*streams, time)`. Errors: as `step`.
        """
        x = as_activations(x)
        streams = tuple(x.shape[:-2]) or (1,)
        step_times = None if times is None else torch.as_tensor(times, dtype=torch.float64).cpu()
        return self._encoded(x, streams, step_times).reshape(*x.shape[:-1])

    def reset(self, streams: Bool[Tensor, " streams"] | Int[Tensor, " some"] | None = None) -> None:
        """Clear the state of all streams, or of those that start again.

        streams: their numbers, or a mask [streams]; None for all, of which there may then be
        another number.
        """
        if streams is None or self._streams is None:
            self._state, self._streams, self._times = RecurrentState(), None, None
            return
        count = math.prod(self._streams)
        forgotten = torch.zeros(count, dtype=torch.bool, device=self._dictionary.atoms.device)
        forgotten[streams] = True
        self._state.reset(forgotten)
        if self._times is not None:
            self._times[forgotten.cpu()] = -math.inf

    def _encoded(
        self, x: Shaped[Tensor, "*shape d"], streams: tuple[int, ...], times: Tensor | None
    ) -> SparseCode:
        """The codes of x [*streams, time, d], as one list of rows."""
        if self._streams not in (None, streams):
            raise MismatchError(
                f"got steps of streams of shape {streams}, expected {self._streams}, as this state "
                "holds; give every stream its step, or make a state for each set of streams"
            )
        rows = checked_activations(
            x, self._dictionary.d_in, self._dictionary.provenance.get("site")
        )
        steps = x.shape[-2]
        if times is not None:
            self._check_order(times.broadcast_to(*streams, steps).reshape(-1, steps))
        segments = Segments.even(math.prod(streams), steps, x.device)
        code = self._dictionary.encode_with_state(rows, segments, self._state)
        self._streams = streams
        self.steps += steps
        return code

    def _check_order(self, times: Float[Tensor, "streams time"]) -> None:
        """Errors: DataError for the first stream that goes back in time, or stands still, or whose
        time is no number.
        """
        before = self._times
        if before is None:
            before = times.new_full(times.shape[:1], -math.inf)
        both = torch.cat([before[:, None], times], 1)
        back = (~(both.diff(dim=1) > 0)).nonzero()  # NaN is not later either
        if back.numel():
            stream, step = back[0].tolist()
            raise DataError(
                f"stream {stream} got the time {both[stream, step + 1]:.15g} after "
                f"{both[stream, step]:.15g}, expected times in order; sort the steps, or `reset` "
                "the streams that start again"
            )
        self._times = both[:, -1].clone()
