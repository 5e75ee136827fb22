"""The pictures of a leaderboard: frontiers, ladders, and planted features by their dwell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, final

import numpy as np

from sparsetime.explorer.records import Curve, FrozenRecord, Text
from sparsetime.metrics.temporal.probe_ladder import RANDOM, RAW
from sparsetime.reports.page_schema import Chart
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE

if TYPE_CHECKING:
    from sparsetime.comparison.entry import DwellOctave, LeaderboardEntry
    from sparsetime.comparison.leaderboard_files import Leaderboard

FREQUENT = "most frequent class"

# Each recipe keeps its line on all pictures; the baseline has the first.
_LINES = ("ink", "high", "low", "violet", "green", "plain", "high dotted", "low dotted")


@final
class ChartPanel(FrozenRecord):
    """One kind of picture of a testbed: a chart for every width, all on the same axes.

    charts: each under the width that it is of.
    """

    title: Text
    caption: Text
    charts: list[tuple[Text, Chart]]


def panels(board: Leaderboard, bed: str) -> list[ChartPanel]:
    """Every picture of a testbed that its entries allow."""
    k = board.settings.middle_k
    labels = board.settings.ladder.get(bed, [])
    probed = f"at k {k}, mean over seeds. Labels from fast to slow"
    drawn = [
        (
            "Error against sparsity",
            "Unexplained variance of held-out activations over active latents a step. A dot is "
            "a k, mean over seeds; lower and further left is better.",
            lambda width: _frontier(board, bed, width, "l0", "fvu"),
        ),
        (
            "Smoothness against error",
            "How fast latents move for how fast the activations move, over unexplained variance. "
            "Mean over seeds; lower is smoother.",
            lambda width: _frontier(board, bed, width, "fvu", "smoothness"),
        ),
        (
            "Ladder of labels",
            f"Accuracy of linear probes of the whole code {probed}.",
            lambda width: _ladder(board, bed, width, labels),
        ),
        (
            "Planted features found",
            f"Share of features with a matching atom (cosine above {FOUND_ABOVE}), by octave of "
            f"their true mean dwell, at k {k}; all seeds together.",
            lambda width: _recovered(board, bed, width),
        ),
        (
            "Recovered timescales",
            "Mean dwell of the latents of planted features that were found (median by octave) over "
            f"the true one, at k {k}. On the dotted line they last as long as they should.",
            lambda width: _dwells(board, bed, width),
        ),
    ]
    return [
        ChartPanel(title=title, caption=caption, charts=charts)
        for title, caption, draw in drawn
        if (charts := _side_by_side(board, f"{title}: {bed}", draw))
    ]


def _side_by_side(
    board: Leaderboard, title: str, draw: Callable[[int], Chart]
) -> list[tuple[str, Chart]]:
    """The charts that have curves; axes reach as far as any of them does."""
    drawn = {width: draw(width) for width in board.settings.widths}
    curves = [curve for chart in drawn.values() for curve in chart.curves]
    reach = [point for curve in curves for point in zip(curve.x, curve.y, strict=True)]
    return [
        (
            f"width {width:,}",
            chart.model_copy(
                update={"title": f"{title}, width {width:,}", "reach": [*chart.reach, *reach]}
            ),
        )
        for width, chart in drawn.items()
        if chart.curves
    ]


def _frontier(board: Leaderboard, bed: str, width: int, x: str, y: str) -> Chart:
    names = {"l0": "L0", "fvu": "FVU"}
    return Chart(
        title="",
        caption="",
        x_label=names.get(x, x),
        y_label=names.get(y, y),
        x_log=x == "l0",
        dots=True,
        curves=list(_curves(board, bed, width, x, y)),
    )


def _curves(board: Leaderboard, bed: str, width: int, x: str, y: str) -> Iterator[Curve]:
    for recipe, line in _lines(board):
        points = [
            (_mean(some, x), _mean(some, y))
            for some in _by_k(board, bed, width, recipe)
            if all(name in entry.metrics for entry in some for name in (x, y))
        ]
        if points:
            points.sort()
            yield _curve(recipe, line, points)


def _ladder(board: Leaderboard, bed: str, width: int, labels: Sequence[str]) -> Chart:
    """Accuracy over the labels, from the fastest to the slowest, at the k in the middle."""
    places = {label: float(number) for number, label in enumerate(labels, 1)}
    curves = []
    for recipe, line in _lines(board):
        entries = board.at_middle_k(bed, width, recipe)
        probes = [probe for entry in entries for probe in entry.probes if probe.reader == "code"]
        accuracies: dict[str, list[float]] = {}
        for probe in probes:
            accuracies.setdefault(probe.label, []).append(probe.accuracy)
        points = [
            (places[label], float(np.mean(accuracies[label])))
            for label in labels
            if label in accuracies
        ]
        if points:
            curves.append(_curve(recipe, line, points))
    references = board.references.get(bed, [])
    for reader, line in ((RAW, "ink dotted"), (RANDOM, "plain dotted")):
        some = [
            (places[probe.label], probe.accuracy) for probe in references if probe.reader == reader
        ]
        if some:
            curves.append(_curve(reader, line, some))
    if frequent := [
        (places[probe.label], probe.baseline) for probe in references if probe.reader == RAW
    ]:
        curves.append(_curve(FREQUENT, "faint", frequent))
    return Chart(
        title="",
        caption="",
        x_label="",
        y_label="accuracy",
        x_names=list(labels),
        reach=[(0.5, 0.0), (len(labels) + 0.5, 1.0)],
        dots=True,
        curves=curves,
    )


def _recovered(board: Leaderboard, bed: str, width: int) -> Chart:
    """How many planted features are found."""
    curves = []
    for recipe, line in _lines(board):
        octaves = _octaves(board, bed, width, recipe)
        points = []
        for step in sorted({octave.dwell for octave in octaves}):
            here = [octave for octave in octaves if octave.dwell == step]
            count = sum(octave.features for octave in here)
            share = sum(octave.recovered * octave.features for octave in here) / count
            points.append((step * 2**0.5, share))
        if points:
            curves.append(_curve(recipe, line, points))
    return Chart(
        title="",
        caption="",
        x_label="true dwell, steps",
        y_label="share found",
        x_log=True,
        curves=curves,
    )


def _dwells(board: Leaderboard, bed: str, width: int) -> Chart:
    """How long the latents of those that are found last."""
    curves = []
    for recipe, line in _lines(board):
        recovered: dict[float, list[float]] = {}
        for octave in _octaves(board, bed, width, recipe):
            if octave.found is not None:
                recovered.setdefault(octave.dwell, []).append(octave.found)
        points = [(step * 2**0.5, float(np.mean(recovered[step]))) for step in sorted(recovered)]
        if points:
            curves.append(_curve(recipe, line, points))
    if truth := sorted({x for curve in curves for x in curve.x}):
        curves.append(Curve(label="as planted", hue="plain dotted", x=truth, y=truth))
    return Chart(
        title="",
        caption="",
        x_label="true dwell, steps",
        y_label="dwell of the latent, steps",
        x_log=True,
        y_log=True,
        curves=curves,
    )


def _curve(label: str, line: str, points: Sequence[tuple[float, float]]) -> Curve:
    return Curve(label=label, hue=line, x=[x for x, _ in points], y=[y for _, y in points])


def _lines(board: Leaderboard) -> list[tuple[str, str]]:
    """Every recipe with its line, the baseline first."""
    baseline = board.settings.baseline
    recipes = [baseline, *(name for name in board.settings.recipes if name != baseline)]
    return [(name, _LINES[number % len(_LINES)]) for number, name in enumerate(recipes)]


def _by_k(board: Leaderboard, bed: str, width: int, recipe: str) -> list[list[LeaderboardEntry]]:
    """The entries of all seeds, together where k is the same."""
    frontiers = [board.of(bed, width, recipe, seed) for seed in board.settings.seeds]
    return [list(some) for some in zip(*frontiers, strict=True)]


def _octaves(board: Leaderboard, bed: str, width: int, recipe: str) -> list[DwellOctave]:
    return [octave for entry in board.at_middle_k(bed, width, recipe) for octave in entry.octaves]


def _mean(entries: Sequence[LeaderboardEntry], name: str) -> float:
    return float(np.mean([entry.metrics[name] for entry in entries]))
