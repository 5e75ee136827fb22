"""Temporal metrics of the whole code: roughness, frequency, position and recurrence."""

from __future__ import annotations

from sparsetime.metrics.metric import CYCLES, Metric, MetricSpec
from sparsetime.metrics.temporal.position import position
from sparsetime.metrics.temporal.recurrence import recurrence
from sparsetime.metrics.temporal.spectrum import spectrum

#: Each is a function of `metrics.temporal` with its own settings at their defaults, over all
#: features together.
TEMPORAL = (
    Metric(
        MetricSpec(
            "roughness",
            "mean squared difference of neighbouring steps over the variance, summed over features",
            "roughness = sum_i mean_t (f_i(t) - f_i(t-1))^2 / sum_i var(f_i)",
            "0 (nothing changes) by 2 (steps do not depend on each other) to 4",
            "von Neumann 1941, Distribution of the ratio of the mean square successive difference "
            "to the variance",
            "features with little variance: the features with most variance decide",
        ),
        lambda data: data.once(spectrum).roughness,
    ),
    Metric(
        MetricSpec(
            "frequency",
            "mean frequency of the code in cycles a step, weighed by its power at each",
            "frequency = sum_w w P(w) / sum_w P(w), P the power spectrum summed over features",
            "0 (slow) by 0.25 (steps do not depend on each other) to 0.5",
            "Blackman and Tukey 1958, The measurement of power spectra",
            "changes slower than 64 steps, which count as frequency 0",
            CYCLES,
        ),
        lambda data: data.once(spectrum).centre,
    ),
    Metric(
        MetricSpec(
            "position_explained",
            "share of the code's variance that the octave of the position in a sequence predicts "
            "in sequences that it was not taken from",
            "position_explained = 1 - sum (f - mean of its octave elsewhere)^2 / "
            "sum (f - mean elsewhere)^2",
            "about 0 (nothing) to 1",
            "the correlation ratio (Pearson 1905), cross-validated over sequences",
            "differences of position within one octave",
        ),
        lambda data: data.once(position).explained,
    ),
    Metric(
        MetricSpec(
            "recurrence",
            "share of runs after which the feature is on again within 32 steps, over the runs that "
            "end at least so long before their sequence",
            "recurrence = mean over runs r of [next run of the feature begins within 32 steps]",
            "0 to 1",
            "Kac 1947, On the notion of recurrence in discrete stochastic processes",
            "returns after more than 32 steps",
        ),
        lambda data: data.once(recurrence).share,
    ),
)
