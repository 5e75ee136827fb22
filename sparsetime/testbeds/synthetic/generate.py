"""Synthetic activations: sums of planted features, with the true code of every step."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypeAlias, final

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.progress import progress
from sparsetime.testbeds.synthetic.feature_specs import PlantedFeature, draw_features
from sparsetime.testbeds.synthetic.on_off_process import on_off_activations, slow_states
from sparsetime.testbeds.synthetic.settings import SyntheticSettings

Levels: TypeAlias = NDArray[np.float32]


@final
@dataclass(frozen=True, eq=False)
class SyntheticData:
    """Activations x_t = sum_i a_ti w_i + noise, with the code a and the atoms w that made them.

    activations: float32 [sequences, time, d]. code: the true activation values, of shape
    (sequences, time); those of bidirectional features and of circles have both signs. atoms:
    [width, d], of length one. features: a row for each latent of `code` (see `PlantedFeature`).
    state: int64 [sequences, time], the hidden slow state.
    """

    settings: SyntheticSettings
    activations: Float[Tensor, "sequences time d"]
    code: SparseCode
    atoms: Float[Tensor, "width d"]
    features: pa.Table
    state: Int[Tensor, "sequences time"]


def synthetic_data(settings: SyntheticSettings | None = None, show: bool = False) -> SyntheticData:
    """Draw features, their activations and their atoms, and sum. Equal settings give equal bits.

    Every feature is active and inactive in turn, for times drawn from distributions of its own (a
    semi-Markov process). Memory: 4 * d bytes a step for the activations, and 12 bytes for every
    active feature. A million steps take some seconds.
    """
    chosen = settings or SyntheticSettings()
    random = seeds.numpy_generator(chosen.seed, "synthetic testbed")
    features = draw_features(chosen, random)
    states = slow_states(chosen, random)
    steps = chosen.sequences * chosen.time
    rows: list[NDArray[np.int64]] = []
    values: list[Levels] = []
    masks: dict[int, NDArray[np.bool_]] = {}
    # Only the masks of parents and leaders are read again.
    needed = {feature.parent for feature in features} | {feature.leader for feature in features}
    with progress("generate features", len(features), "features", show) as bar:
        for feature in features:
            bar.advance()
            if len(rows) > feature.latent:
                continue  # the second axis of a circle was made with the first
            level = _feature_activations(feature, chosen, states, masks, random)
            if feature.latent in needed:
                masks[feature.latent] = level != 0
            at = np.flatnonzero(level)
            flutter = chosen.flutter * random.standard_normal(len(at), dtype=np.float32)
            value = level.reshape(-1)[at] * np.exp(flutter)
            axes = [value]
            if feature.kind == "circle":
                axes = _circle_axes(value, at, feature.period, chosen, random)
            rows.extend([at] * len(axes))
            values.extend(axes)
    offsets = np.concatenate([[0], np.cumsum([len(at) for at in rows])])
    by_feature = sparse.csc_matrix(
        (np.concatenate(values), np.concatenate(rows), offsets), shape=(steps, len(features))
    )
    truth = by_feature.tocsr()
    atoms = random.standard_normal((len(features), chosen.d), dtype=np.float32)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    activations = truth @ atoms
    activations += chosen.noise * random.standard_normal(activations.shape, dtype=np.float32)
    shape = (chosen.sequences, chosen.time)
    code = SparseCode(
        torch.from_numpy(truth.indptr.astype(np.int64)),
        torch.from_numpy(truth.indices.astype(np.int64)),
        torch.from_numpy(truth.data),
        len(features),
        shape,
    )
    return SyntheticData(
        chosen,
        torch.from_numpy(activations).reshape(*shape, chosen.d),
        code,
        torch.from_numpy(atoms),
        pa.Table.from_pylist([asdict(feature) for feature in features]),
        torch.from_numpy(states.astype(np.int64)),
    )


def _feature_activations(
    feature: PlantedFeature,
    settings: SyntheticSettings,
    states: NDArray[np.int16],
    masks: dict[int, NDArray[np.bool_]],
    random: np.random.Generator,
) -> Levels:
    """Activation of one feature at every step, zero where it is inactive: [sequences, time]."""
    level = on_off_activations(feature, settings, random)
    if feature.kind == "child":
        level *= masks[feature.parent]
    if feature.kind == "follower":
        joined = _keep_segments(masks[feature.leader], settings.pair_correlation, random)
        joined_level = np.exp(np.float32(settings.spread) * random.standard_normal(1, np.float32))
        level = np.where((level == 0) & joined, joined_level, level)
    if feature.kind == "state":
        level *= (states == feature.state) | _keep_segments(level != 0, settings.state_leak, random)
    return level


def _keep_segments(
    active: NDArray[np.bool_], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """`active`, with each of its segments kept with the probability `share`."""
    begins = active.copy()
    begins[:, 1:] &= ~active[:, :-1]
    number = np.cumsum(begins.reshape(-1))  # of the segment that each step is in, from 1
    kept = random.random(int(number[-1]) + 1) < share
    result: NDArray[np.bool_] = active & kept[number].reshape(active.shape)
    return result


def _circle_axes(
    value: Levels,
    at: NDArray[np.int64],
    period: float,
    settings: SyntheticSettings,
    random: np.random.Generator,
) -> list[Levels]:
    """Activations on the two axes of a circle, which rotates once a `period` in every sequence."""
    start = random.uniform(0, 2 * np.pi, size=settings.sequences)
    angle = start[at // settings.time] + 2 * np.pi / period * (at % settings.time)
    return [(value * axis(angle)).astype(np.float32) for axis in (np.cos, np.sin)]
