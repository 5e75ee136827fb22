"""Rates of sites found from shapes: how many rows a site gives for inputs of several lengths."""

from __future__ import annotations

from dataclasses import replace
from typing import final

from sparsetime.activations.capture.length_probe import LengthProbe
from sparsetime.activations.capture.row_settings import FoundRows, RowSettings, SiteRows
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.convolved_sites import is_convolved
from sparsetime.models.fixed_clock import clock_of_one_length, clock_of_rate, grid_of
from sparsetime.models.leading_tokens import leading_tokens
from sparsetime.models.receptive_field import LocalRows, local_rows
from sparsetime.models.row_clock import RowClock
from sparsetime.models.row_layout import RowLayout

_FEW = 4  # rows below which a longer input is tried
_SAME = 1e-6  # input steps
_NEAR = 0.01  # of the input steps a row: how far a given rate may be from the shapes


def find_rows(
    probe: LengthProbe, names: list[str], settings: RowSettings, unit: float, time_axis: int
) -> FoundRows:
    """The layout of the model's input and the rows of each site, confirmed on several lengths.

    unit: time from one step of the input to the next. time_axis: axis of time in a site's tensor,
    where lengths cannot show it.

    Errors: MismatchError where the rows of a site do not follow the input at one rate, or where
    places are given and what is done with them is not; ConfigError where a rate that is given does
    not fit the shapes.
    """
    sites = {}
    of_decoder = probe.decoder_sites()
    for name in names:
        if name in of_decoder:
            clock = RowClock(follows="decoder", multiple=probe.multiple, fixed=probe.fixed)
            sites[name] = SiteRows(clock, RowLayout(1))
            continue
        rows = _SiteProbe(probe, name, settings, unit, time_axis).rows()
        if not (rows.clock.is_plain and rows.layout == RowLayout()):
            sites[name] = rows
    return FoundRows(probe.layout, sites)


@final
class _SiteProbe:
    """The rate of one site: the lengths at which its number of rows changes."""

    def __init__(
        self, probe: LengthProbe, name: str, settings: RowSettings, unit: float, time_axis: int
    ) -> None:
        self._probe, self._name, self._settings, self._unit = probe, name, settings, unit
        self._time_axis = time_axis
        self._length = probe.length
        self._axis: int | None = None

    def rows(self) -> SiteRows:
        self._axis = self._changing_axis()
        if self._axis is None and self._probe.fixed is None:
            return self._with_places(RowClock(follows="sequence"), RowLayout(None))
        if self._axis is None and len(self._shape(self._length)) == 2 and not self._is_folded:
            fixed = RowClock(follows="sequence", fixed=self._probe.fixed)
            return self._with_places(fixed, RowLayout(None))
        if self._axis is None:
            self._axis = 0 if self._is_folded else self._guessed_axis()
        if self._time_axis not in (1, self._axis):
            raise MismatchError(
                f"got time_axis={self._time_axis} for the site {self._name!r}, whose axis "
                f"{self._axis} of {len(self._shape(self._length))} follows the length of the "
                "input; leave time_axis out, or set it to that axis"
            )
        folded = self._axis == 0
        layout = RowLayout(self._axis, folded, convolved=folded and self._is_convolved)
        return self._with_places(self._clock(), layout)

    @property
    def _is_folded(self) -> bool:
        first = self._shape(self._length)[0]
        return first != self._probe.batch and first % self._probe.batch == 0

    @property
    def _is_convolved(self) -> bool:
        shape = self._shape(self._length)
        return len(shape) == 3 and is_convolved(self._probe.model, self._name, shape)

    def _shape(self, length: int) -> tuple[int, ...]:
        return self._probe.shapes(length)[self._name]

    def _count(self, length: int) -> int:
        """Rows of one window, by its length."""
        assert self._axis is not None
        size = self._shape(length)[self._axis]
        return size // self._probe.batch if self._axis == 0 else size

    def _changing_axis(self) -> int | None:
        """The axis whose size follows the length; None where none does, or the length is fixed."""
        if self._probe.fixed is not None:
            return None
        multiple, shape = self._probe.multiple, self._shape(self._length)
        half = self._length // 2 // multiple * multiple
        shorter = [n for n in (half, self._length - multiple) if self._probe.takes(n)]
        axes = {self._changed(shape, self._shape(n)) for n in shorter} - {None}
        axis = axes.pop() if axes else None
        few = axis is None or shape[axis] < _FEW * self._probe.batch
        while (
            few
            and (axis is not None or half not in shorter)
            and self._probe.takes(2 * self._length)
        ):
            self._length *= 2
            longer = self._shape(self._length)
            axis = self._changed(shape, longer)
            few = axis is None or longer[axis] < _FEW * self._probe.batch
        return axis

    def _changed(self, one: tuple[int, ...], other: tuple[int, ...]) -> int | None:
        """The axis that differs. Errors: MismatchError where several do."""
        axes = [i for i, sizes in enumerate(zip(one, other, strict=False)) if len(set(sizes)) > 1]
        if len(one) != len(other) or len(axes) > 1:
            raise MismatchError(
                f"got tensors of shape {list(one)} and {list(other)} from the site {self._name!r} "
                "for inputs of two lengths, expected one axis to follow the length; choose a site "
                "that is an activation"
            )
        return axes[0] if axes else None

    def _guessed_axis(self) -> int:
        """The axis of rows of a model that takes one length: the given one, or that of tokens."""
        shape = self._shape(self._length)
        rate = self._settings.rate
        if rate is not None:
            for axis in range(1, len(shape)):
                if shape[axis] == round(self._length * self._unit * rate):
                    return axis
        if self._time_axis == 1 and len(shape) >= 4:
            return len(shape) - 2  # [batch, channels, patches, d]
        return self._time_axis

    def _clock(self) -> RowClock:
        """The clock of the rows on their axis: from several lengths where the model takes them."""
        length, count, rate = self._length, self._count(self._length), self._settings.rate
        local = self._local(count)
        step = None if rate is None else _whole(1 / (rate * self._unit))
        if self._probe.fixed is None:
            return self._of_lengths(local, step)
        leading = self._leading(local)
        if step is None:
            return clock_of_one_length(length, count, leading, local, self._name)
        return self._centred(clock_of_rate(length, count, leading, step, self._name), local)

    def _of_lengths(self, local: LocalRows | None, expected: float | None) -> RowClock:
        """The clock that all lengths agree on. Errors: ConfigError where another is expected."""
        jump, distance, at = self._changes()
        frames = len(self._probe.inputs(1).shape) > 2
        a_time = jump if frames and self._axis == 1 else 1
        clock = self._of_step(distance * a_time / jump, a_time, at, local)
        self._confirm(clock)
        if expected is not None and abs(clock.step - expected) > _NEAR * expected:
            raise ConfigError(
                f"got rate={self._settings.rate}, a row for {expected:g} input steps, and the site "
                f"{self._name!r} gives one for {clock.step:g}; give rate="
                f"{1 / (clock.step * self._unit):g}, or leave it out"
            )
        return self._centred(clock, local)

    def _changes(self) -> tuple[int, int, int]:
        """Rows more and inputs more at the last change of the number of rows, and where it is."""
        count = self._count(self._length)
        last = self._first_with(count)
        below = last - self._probe.multiple
        fewer = self._count(below) if self._probe.takes(below) else 0
        if not fewer:
            raise self._irregular()
        return count - fewer, last - self._first_with(fewer), last

    def _first_with(self, count: int) -> int:
        """The shortest input with at least `count` rows, among the lengths that are taken."""
        low, high = 0, self._length // self._probe.multiple
        while high - low > 1:
            middle = (low + high) // 2
            length = middle * self._probe.multiple
            enough = self._probe.takes(length) and self._count(length) >= count
            low, high = (low, middle) if enough else (middle, high)
        return high * self._probe.multiple

    def _of_step(self, step: float, a_time: int, at: int, local: LocalRows | None) -> RowClock:
        """The clock of a step, from a length `at` which the number of rows changes."""
        count = self._count(at)
        leading = self._leading(local, count % a_time if a_time > 1 else None)
        first = at - step * ((count - leading) // a_time - 1)
        return RowClock(
            step=_whole(step),
            offset=(first - step) / 2,
            first=first,
            leading=leading,
            grid=grid_of(a_time),
            multiple=self._probe.multiple,
        )

    def _leading(self, local: LocalRows | None, remainder: int | None = None) -> int:
        """Rows before all others that no part of the input gives."""
        if local is not None:
            return local.leading
        is_tokens = self._axis in (1, 2) and self._axis < len(self._shape(self._length)) - 1
        return leading_tokens(self._probe.model, remainder) if is_tokens else 0

    def _centred(self, clock: RowClock, local: LocalRows | None) -> RowClock:
        """The clock with the centre of what a row reads, where padding is not symmetric.

        Rows that read nothing beyond their own time are causal: they keep the time of the newest
        steps that they read.
        """
        if local is None or local.step != clock.step:
            return clock
        offset = local.centre - clock.step / 2
        is_causal = local.last + 1 <= clock.offset + clock.step + _SAME
        # Multiples leave open at which length a row is added, and so where the first one lies.
        if is_causal and (clock.multiple == 1 or offset < -clock.step):
            return clock
        return replace(clock, offset=offset)

    def _local(self, count: int) -> LocalRows | None:
        inputs = self._probe.inputs(self._length)
        if inputs.ndim == 1:  # tokens have no gradient
            return None
        return local_rows(self._probe.model, self._probe.run_one, inputs[None], count)

    def _confirm(self, clock: RowClock) -> None:
        """Errors: MismatchError where other lengths give other numbers of rows."""
        multiple, length = self._probe.multiple, self._length
        lengths = {length - multiple, length - 3 * multiple, length // 2 // multiple * multiple}
        lengths |= {length * 2 // 3 // multiple * multiple, length}
        for other in sorted(n for n in lengths if n > 0 and self._probe.takes(n)):
            count = self._count(other)
            if count != clock.rows(other) and count > clock.leading:
                raise self._irregular()

    def _irregular(self) -> MismatchError:
        lengths = sorted({self._length, self._length // 2, self._length * 3 // 4})
        counts = [f"{self._count(n)} for {n}" for n in lengths if self._probe.takes(n)]
        return MismatchError(
            f"got rows of the site {self._name!r} that do not follow the input at one rate: "
            f"{', '.join(counts)} input steps; choose another site"
        )

    def _with_places(self, clock: RowClock, layout: RowLayout) -> SiteRows:
        """The rows with what is done with the places of a feature map.

        Errors: MismatchError where there are places, and `feature_map` is not given.
        """
        shape, chosen = self._shape(self._length), self._settings.feature_map
        places = layout.places(shape)
        if self._settings.offset is not None:
            clock = replace(clock, offset=self._settings.offset / self._unit)
        if not places:
            return SiteRows(clock, layout)
        if chosen is None:
            raise MismatchError(
                f"got a feature map of shape {list(shape)} from the site {self._name!r}, with "
                f"{' x '.join(map(str, places))} places at each time; give feature_map='flatten' "
                "(--feature-map flatten) for a row of each place, 'pool' for their mean, or "
                "'features' for all places in one row"
            )
        of_pictures = layout.folded and not layout.convolved and len(places) == 1
        leading = leading_tokens(self._probe.model, None, places[0]) if of_pictures else 0
        if chosen == "flatten":
            grid = grid_of(places[0] - leading) if of_pictures else places
            clock = replace(clock, place_leading=leading, grid=grid)
            if layout.axis == 2 and len(places) == 1:
                clock = replace(clock, place="channel")
        return SiteRows(clock, replace(layout, feature_map=chosen, leading=leading))


def _whole(step: float) -> float:
    return float(round(step)) if abs(step - round(step)) < _SAME else step
