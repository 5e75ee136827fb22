"""Values of a response by window and lag, collected part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.steering.effect_passes import PassResult
from sparsetime.steering.output_divergence import Divergence
from sparsetime.steering.response import LagCurve, Response, half_life
from sparsetime.steering.site_steering import column

_MOVED = 8


@final
@dataclass
class MeasuredResponse:
    """The response to one kind of edit.

    offset: steps from the first edited one to lag 0.
    """

    kind: str
    site: str
    feature: int
    offset: int
    lags: int
    divergence: Divergence
    _divergences: list[Float[np.ndarray, "windows lags"]] = field(default_factory=list)
    _features: list[Float[np.ndarray, "windows lags"]] = field(default_factory=list)
    _moved: dict[str, Float[np.ndarray, "lags width"]] = field(default_factory=dict)
    _relative_norms: list[float] = field(default_factory=list)
    _null: list[list[Float[np.ndarray, "windows lags"]]] = field(default_factory=list)

    def add(self, plain: PassResult, edited: PassResult) -> None:
        """Add the windows of one part."""
        self._divergences.append(self._diverged(plain, edited))
        before, after = (self._window(r.codes[self.site]) for r in (plain, edited))
        self._features.append(column(after, self.feature) - column(before, self.feature))
        self._relative_norms.append(edited.relative_norm)
        for site, code in edited.codes.items():
            change = _summed(self._window(code)) - _summed(self._window(plain.codes[site]))
            self._moved[site] = self._moved.get(site, 0) + change

    def add_null(self, number: int, plain: PassResult, edited: PassResult) -> None:
        """Add the windows of one part, in which the random feature `number` was edited."""
        while len(self._null) <= number:
            self._null.append([])
        self._null[number].append(self._diverged(plain, edited))

    def response(self, seed: int) -> Response:
        """The response of all windows."""
        values = np.concatenate(self._divergences)
        null = None
        if self._null:
            null = np.stack([np.concatenate(parts).mean(0) for parts in self._null])
        # An impulse acts at lag 0 itself; what outlasts it is counted from lag 1.
        first = 1 if self.kind == "impulse" else 0
        return Response(
            self.kind,
            LagCurve.of(values, seed, null),
            LagCurve.of(np.concatenate(self._features), seed),
            self._most_moved(len(values)),
            half_life(values, first, null, seed),
            _mean_of_numbers(self._relative_norms),
        )

    def _diverged(self, plain: PassResult, edited: PassResult) -> Float[np.ndarray, "windows lags"]:
        at = slice(self.offset, self.offset + self.lags + 1)
        by_step = self.divergence.by_step(plain.output[:, at], edited.output[:, at])
        return by_step.double().cpu().numpy()

    def _window(self, code: SparseCode) -> SparseCode:
        """The steps of lags 0 to `lags`."""
        windows, steps = code.shape
        rows = np.arange(windows)[:, None] * steps + self.offset + np.arange(self.lags + 1)
        return code.take(torch.from_numpy(rows.reshape(-1))).reshape(windows, self.lags + 1)

    def _most_moved(self, windows: int) -> dict[tuple[str, int], Float[np.ndarray, " lags"]]:
        """Features whose mean activation changes most over the lags, largest first."""
        sizes = [
            (float(size), site, feature)
            for site, change in self._moved.items()
            for feature, size in _largest(np.abs(change).sum(0), _MOVED)
        ]
        largest = sorted(sizes, reverse=True)[:_MOVED]
        return {
            (site, feature): self._moved[site][:, feature] / windows
            for size, site, feature in largest
            if size > 0
        }


def _summed(code: SparseCode) -> Float[np.ndarray, "lags width"]:
    """The sum over windows of each activation, by lag."""
    lags = code.shape[1]
    out = np.zeros((lags, code.width))
    lag = code.row_of_entry.cpu().numpy() % lags
    np.add.at(out, (lag, code.indices.cpu().numpy()), code.values.detach().double().cpu().numpy())
    return out


def _largest(sizes: Float[np.ndarray, " width"], count: int) -> list[tuple[int, float]]:
    order = np.argsort(-sizes)[:count]
    return [(int(i), float(sizes[i])) for i in order]


def _mean_of_numbers(values: list[float]) -> float:
    """The mean of what is a number; NaN where nothing was added."""
    numbers = [value for value in values if not math.isnan(value)]
    return sum(numbers) / len(numbers) if numbers else math.nan
