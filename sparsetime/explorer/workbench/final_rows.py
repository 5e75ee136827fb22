"""FinalRows: rows of a model on a stream, each given once no later step can change it."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.capture.check_finite import check_shard_finite
from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.capture.forward_passes import ForwardPasses

MOST_KEPT = 16_000_000  # bytes of a recording that is run as a whole: 4,000,000 numbers
_ROWS = 256  # of a shard
# Input steps that are looked at, fewer of frames; at least 8 times those of the first row.
_STEPS, _NUMBERS, _FIELDS = 4096, 1 << 20, 8
_CHANGED = 1e-4  # of the largest size of a row: far beyond rounding


@final
class FinalRows:
    """The rows of a site while the steps of its input arrive.

    ahead: row t is final once step * t + ahead steps were read, to a ten-thousandth of the largest
    activation on random input. None where rows depend on all later steps, as in a transformer that
    reads in both directions: they come with the last step, and a stream without an end gives none.
    """

    def __init__(
        self,
        passes: ForwardPasses,
        whole: ForwardPasses,
        context: int,
        ends: bool,
        unit: str,
        lock: threading.Lock,
    ) -> None:
        """passes: without windows, which would cut the kept steps at other places than a recording.

        whole: with the windows of the capture, for a recording that is read at its end. context:
        steps before a row that the model reads again. lock: of all passes.
        """
        self._passes, self._whole, self._context, self._ends = passes, whole, context, ends
        self._unit, self._lock = unit, lock
        self.per_row = passes.clock.step / passes.clock.rows_a_time
        self.ahead: int | None = None
        self._kept: Shaped[np.ndarray, "steps ..."] | None = None
        self._begin = 0  # step at which `_kept` begins
        self._given = 0  # times whose rows were given

    def feed(
        self, values: Shaped[np.ndarray, "steps ..."], last: bool
    ) -> Float[Tensor, "rows d"] | None:
        """The rows that are final with these steps, all that remain with the last ones; or None.

        Errors: DataError for steps of another shape, for a model that looks ahead without a
        limit on a stream without an end, and for activations that are not finite.
        """
        if self._kept is None:
            self._kept = values[:0]
            self.ahead = self._look_ahead(values.shape[1:])
            if self.ahead is None and not self._ends:
                raise DataError(
                    "every activation of this site depends on all later steps of a recording (the "
                    "model reads in both directions, or gives one row a recording), so a stream "
                    "without an end has none that is final; choose a file"
                )
        if self._kept.shape[1:] != values.shape[1:]:
            raise DataError(
                f"got steps of shape {list(values.shape[1:])} after steps of "
                f"{list(self._kept.shape[1:])}; begin the stream again"
            )
        self._kept = np.concatenate([self._kept, values])
        if self.ahead is None:
            if self._kept.nbytes > MOST_KEPT:
                raise DataError(
                    f"the recording has more than {MOST_KEPT:,} bytes, and the model reads it as "
                    "a whole; capture it with sparsetime capture"
                )
            return self._run(self._whole, self._kept) if last else None
        clock = self._passes.clock
        steps = self._begin + len(self._kept) - self.ahead
        final = max(0, math.floor(steps / clock.step + 1e-9) + 1)
        if not last and (final <= self._given or len(self._kept) < clock.first):
            return None
        rows = self._run(self._passes, self._kept)
        before = round(self._begin / clock.step)  # times before the kept steps
        # What stands before all rows, such as [CLS], is given once.
        places = [clock.leading + (t - before) * clock.rows_a_time for t in (self._given, final)]
        start = places[0] if self._given else 0
        self._given = final
        self._drop()
        return rows[start:] if last else rows[start : places[1]]

    def _drop(self) -> None:
        """Forget steps that no row to come needs, but for the context."""
        assert self._kept is not None
        clock = self._passes.clock
        begin = math.floor(self._given * clock.step) - self._context
        begin -= begin % max(1, clock.alignment)
        if begin > self._begin:
            self._kept = self._kept[begin - self._begin :]
            self._begin = begin

    def _look_ahead(self, shape: tuple[int, ...]) -> int | None:
        """Input steps from where a row's time begins to the last that it depends on.

        None where a row depends on input far behind it. Random input is run twice, with another
        end: rows before the first that changes do not read the end. shape: of an input step.
        """
        clock = self._passes.clock
        if clock.follows != "steps" or clock.fixed is not None:
            return None
        steps = min(_STEPS, max(1, _NUMBERS // math.prod(shape)))
        length = max(steps, math.ceil(_FIELDS * clock.first))
        whole = max(1, clock.alignment)
        cut = int(0.75 * length) // whole * whole
        generator = seeds.numpy_generator(0, "look-ahead of a model")
        first, second = (
            generator.normal(size=(length, *shape)).astype(np.float32) for _ in range(2)
        )
        second[:cut] = first[:cut]
        rows = [self._run(self._passes, values).float() for values in (first, second)]
        change = (rows[0] - rows[1]).abs().amax(1) > _CHANGED * rows[0].abs().max()
        changed = change.nonzero()[:, 0]
        if not len(changed):
            return 1
        time = (int(changed[0]) - clock.leading) // clock.rows_a_time
        # Row `time` needs a step from the cut on; the one before it is final with those before.
        return None if time <= 0 else max(1, math.ceil(cut - clock.step * (time - 1)))

    def _run(
        self, passes: ForwardPasses, values: Shaped[np.ndarray, "steps ..."]
    ) -> Float[Tensor, "rows d"]:
        name, pieces = passes.names[0], []
        for shard in passes.plan([Document("live", values=values, unit=self._unit)], _ROWS):
            with self._lock:
                piece = passes.run(shard)[name]
            check_shard_finite(shard, piece, name)
            pieces.append(piece)
        return torch.cat(pieces)
