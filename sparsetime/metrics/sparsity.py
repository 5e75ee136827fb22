"""Sparsity metrics: L0, dead and dense latents, and the density histogram."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import DataError
from sparsetime.metrics.evaluation_data import EvaluationData
from sparsetime.metrics.metric import Histogram, Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate, bootstrap, estimate, interval, ratio, ratio_of

DENSE = 0.1
_LOWEST_DECADE = -7
_BINS_A_DECADE = 4
_SOURCE = "Bricken et al. 2023, Towards monosemanticity, section on feature density"


def l0(data: EvaluationData) -> Estimate:
    """L0 = mean over steps t of A_t, the number of active latents of step t. No null."""
    rows, active, _ = _sums(data)
    return estimate(ratio_of(active, rows), len(rows), seed=data.context.seed)


def l0_spread(data: EvaluationData) -> Estimate:
    """l0_spread = sqrt(mean of A_t^2 - (mean of A_t)^2), over steps t. No null."""
    rows, active, squares = _sums(data)
    # Sums of integers, so that a constant L0 has a spread of exactly 0.
    n, total, square = int(rows.sum()), int(active.sum()), int(squares.sum())
    value = math.sqrt((square * n - total**2) / n**2)

    def spread(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        mean = ratio(weights @ active, weights @ rows)
        variance = ratio(weights @ squares, weights @ rows) - mean**2
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))

    return Estimate(value, interval(bootstrap(spread, len(rows), data.context.seed)))


def dead(data: EvaluationData) -> Estimate:
    """Share of dead latents: dead = mean_i [c_i = 0], c_i the steps on which latent i is active.

    A latent is dead on these data; more data may contain a step on which it is active. No null, and
    no interval: a resample leaves sequences out, so it counts too many latents as dead.
    """
    return Estimate(float((_steps_active(data) == 0).mean()))


def dense(data: EvaluationData) -> Estimate:
    """Dense latents: dense = mean_i [c_i / T > 0.1] over T steps. No null, no interval."""
    return Estimate(float((_density(data) > DENSE).mean()))


def density_histogram(data: EvaluationData) -> Histogram:
    """Number of latents by density c_i / T, four bins a decade; dead latents are in no bin."""
    density = _density(data)
    bins = -_LOWEST_DECADE * _BINS_A_DECADE
    edges = np.logspace(_LOWEST_DECADE, 0, bins + 1)
    # A density on an edge belongs to the bin above it, 1 to the last. 1e-9: the logarithm of a
    # density on an edge may come out just below it.
    position = np.log10(np.maximum(density[density > 0], edges[0])) - _LOWEST_DECADE
    bin_of = np.minimum(np.floor(position * _BINS_A_DECADE + 1e-9), bins - 1).astype(np.int64)
    counts = np.bincount(bin_of, minlength=bins)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _sums(
    data: EvaluationData,
) -> tuple[
    Float[np.ndarray, " groups"], Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]
]:
    """Steps, active latents, and their squares, summed over the steps of every group."""
    _check_counted(data)
    group, groups = data.group_of_row, int(data.group_of_sequence.max(initial=0)) + 1
    active = data.code.counts.numpy().astype(float)
    rows = np.bincount(group, minlength=groups).astype(float)
    total = np.bincount(group, weights=active, minlength=groups)
    return rows, total, np.bincount(group, weights=active**2, minlength=groups)


def _steps_active(data: EvaluationData) -> Int[np.ndarray, " latents"]:
    """Steps on which each latent of the group is active."""
    _check_counted(data)
    count = np.bincount(data.code.indices.numpy(), minlength=data.code.width)
    return count[data.group.start : data.group.stop] if data.group.name else count


def _density(data: EvaluationData) -> Float[np.ndarray, " latents"]:
    return _steps_active(data) / data.code.rows


def _check_counted(data: EvaluationData) -> None:
    if not data.group.width or not data.code.rows:
        raise DataError("there are no steps or no latents to count")


SPARSITY = (
    Metric(
        MetricSpec(
            "l0",
            "mean number of active latents a step",
            "l0 = mean_t #{i : f_i(t) != 0}",
            "0 to the width",
            _SOURCE,
            "how large the activations are: a tiny value counts as much as a large one",
        ),
        l0,
    ),
    Metric(
        MetricSpec(
            "l0_spread",
            "standard deviation over steps of the number of active latents",
            "l0_spread = std_t #{i : f_i(t) != 0}",
            "0 (the same on every step) to half the width",
            "the plain standard deviation, divided by the number of steps",
            "which steps have more active latents than others",
        ),
        l0_spread,
    ),
    Metric(
        MetricSpec(
            "dead",
            "share of latents that are active on no step of this data",
            "dead = mean_i [c_i = 0], c_i = #{t : f_i(t) != 0}",
            "0 to 1",
            _SOURCE,
            "latents that are active on other data: the share falls with more steps",
        ),
        dead,
    ),
    Metric(
        MetricSpec(
            "dense",
            "share of latents that are active on more than a tenth of the steps",
            "dense = mean_i [c_i / T > 0.1]",
            "0 to 1",
            _SOURCE,
            "whether a dense latent is interpretable",
        ),
        dense,
    ),
    Metric(
        MetricSpec(
            "density_histogram",
            "number of latents by density, the share of steps on which a latent is active; the "
            "edges are densities, four bins a decade; dead latents are in no bin",
            "density_i = c_i / T",
            "edges from 1e-7 to 1, counts from 0 to the width",
            _SOURCE,
            "which latents are in a bin",
        ),
        density_histogram,
    ),
)
