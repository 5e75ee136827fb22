"""Inputs in a report: series, letters and frames of a segment, where the model read no text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, final

from sparsetime.explorer.workbench.input_pyramid import input_pyramid
from sparsetime.explorer.workbench.input_source import InputSource, input_source
from sparsetime.explorer.workbench.inputs import source_view
from sparsetime.reports.svg import element

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.explorer.workbench.input_records import InputView
    from sparsetime.files import Folder

WIDTH, BAND, ALONE = 320.0, 14.0, 36.0  # pixels of a picture, of a channel, of a single one
CHANNELS, COLUMNS, FRAMES = 6, 320, 7


@final
class ReportInputs:
    """Inputs of a run's sequences, each opened once."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._sources: dict[tuple[str, int], InputSource | None] = {}

    def of(self, stored: StoredSequence) -> InputSource | None:
        """The input of a sequence; None where that is text, or was not kept.

        Errors: StoreError and DamagedError where what was kept cannot be read.
        """
        if stored.text is not None:
            return None
        place = (stored.id, stored.index)
        if place not in self._sources:
            self._sources[place] = input_source(self._folder, stored)
        return self._sources[place]


def segment_input(
    inputs: ReportInputs, stored: StoredSequence, first: int, stop: int, packed: bool = True
) -> InputView | None:
    """What the model read over the steps `first` to `stop`, counted from `first`.

    None where that is text, or was not kept.

    Errors: StoreError and DamagedError where what was kept cannot be read.
    """
    whole = inputs.of(stored)
    if whole is None:
        return None
    source = _part(whole, first, stop)
    view = source_view(
        source, lambda: input_pyramid(source), first, stop,
        columns=COLUMNS, frames=FRAMES, packed=packed,
    )  # fmt: skip
    if view.kind == "none":
        return None
    frames = tuple(frame.model_copy(update={"step": frame.step - first}) for frame in view.frames)
    moved = {"first": 0, "stop": stop - first, "begin": view.begin - first, "sound": False}
    return view.model_copy(update={**moved, "origin": view.origin - first, "frames": frames})


def _part(source: InputSource, first: int, stop: int) -> InputSource:
    """The steps of an input in some rows, so that its scale is of what is drawn."""
    begin, end = source.steps_of(first, stop)
    return replace(
        source,
        shape=(end - begin, *source.shape[1:]),
        read=lambda a, b: source.read(begin + a, begin + b),
        begin=source.row_of(begin),
    )


def example_picture(view: InputView, percents: Sequence[float], here: int) -> str:
    """The input around an activating example as HTML, shaded where the feature is active.

    view: with lists of values, not packed. percents: of the feature's largest activation, one a
    step. here: the step of the example.
    """
    if view.kind == "frames":
        return "".join(
            element("img", src=frame.picture, alt=f"frame at step {frame.step:g}")
            for frame in view.frames
        )
    if view.kind == "letters":
        return element("p", escape(view.letters), class_="bars")
    channels = view.low[:CHANNELS]
    band = ALONE if len(channels) == 1 else BAND
    step, height = WIDTH / len(percents), band * len(channels)
    shapes = [
        element(
            "rect", x=at * step, y=0.0, width=step, height=height, class_="on",
            opacity=f"{0.1 + 0.004 * percent:.2f}",
        )
        for at, percent in enumerate(percents)
        if percent
    ]  # fmt: skip
    shapes.append(element("rect", x=here * step, y=height + 1, width=step, height=2.0))
    for i, (low, high) in enumerate(zip(channels, view.high, strict=False)):
        span = (view.most[i] - view.least[i]) or 1.0
        points = []
        for column, (least, most) in enumerate(zip(low, high, strict=True)):
            if least is None or most is None:
                continue
            x = (view.begin + (column + 0.5) * view.stride) * step
            for value in dict.fromkeys((least, most)):
                y = (i + 1) * band - 2 - (value - view.least[i]) / span * (band - 4)
                points.append(f"{x:.1f},{y:.1f}")
        shapes.append(element("polyline", points=" ".join(points)))
    hidden = len(view.low) - len(channels) + view.hidden
    label = ", ".join(view.channels[:CHANNELS]) + (f" and {hidden} more" if hidden > 0 else "")
    box = f"0 0 {WIDTH:g} {height + 4:g}"
    return element(
        "svg", "".join(shapes), viewBox=box, class_="input", role="img", aria_label=label
    )
