"""Watch: a monitor at work, on pieces of a stream or on a running model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.encoding import device_of
from sparsetime.models.site_tensors import input_activation, output_activation
from sparsetime.models.sites import resolve_site
from sparsetime.models.wrappers import hook_input, hook_output, submodule
from sparsetime.monitors.drift import DriftWindows

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.monitors.monitor import Monitor

EVERY = 64


@final
class Watch:
    """One stream under a monitor.

    steps: how many were read. Lines are dicts that `json.dumps` writes: `kind` is "alarm" (an alarm
    begins), "end" (no step at the threshold for `hold` seconds) or "drift", `time` in seconds from
    the first step, `alarm` its name, and `score` and `threshold`.
    """

    def __init__(self, monitor: Monitor, sae: Dictionary) -> None:
        self._monitor, self._sae = monitor, sae
        self._stream = sae.stream()
        self._drift = DriftWindows(monitor.reference, monitor.drift_window)
        self.steps = 0
        self._scores = dict.fromkeys(monitor.alarms, 0.0)
        self._last: dict[str, int | None] = dict.fromkeys(monitor.alarms)
        self._pieces: list[Tensor] = []
        self._waiting = 0

    def feed(self, x: Tensor) -> list[dict[str, Any]]:
        """The lines of the next steps, from activations [time, d].

        Errors: MismatchError for another width; DataError for NaN or infinity.
        """
        with torch.no_grad():
            code = self._stream.feed(x)
        return self.feed_code(code)

    def feed_code(self, code: SparseCode) -> list[dict[str, Any]]:
        """The lines of the next steps, from the dictionary's code of shape `(time,)`."""
        monitor = self._monitor
        lines: list[dict[str, Any]] = []
        for name, alarm in monitor.alarms.items():
            scores = alarm.scores(code, monitor.step, self._scores[name])
            self._scores[name] = float(scores[-1]) if len(scores) else self._scores[name]
            lines += self._lines_of(name, scores)
        done = self._drift.window - self._drift_steps
        for distance, rates in self._drift.feed(code):
            if distance >= monitor.drift_threshold:
                lines.append(
                    {
                        "kind": "drift",
                        "time": (self.steps + done) * monitor.step,
                        "score": distance,
                        "threshold": monitor.drift_threshold,
                        "features": self._drift.most_changed(rates),
                    }
                )
            done += self._drift.window
        self.steps += code.rows
        return sorted(lines, key=lambda line: float(line["time"]))

    @property
    def _drift_steps(self) -> int:
        return self.steps % self._drift.window

    def _lines_of(self, name: str, scores: Any) -> Iterator[dict[str, Any]]:
        monitor = self._monitor
        # Steps side by side are one alarm, as in `detection.episodes`.
        threshold, hold = monitor.thresholds[name], max(monitor.hold_steps, 1)
        last = self._last[name]
        for place in (scores >= threshold).nonzero()[0].tolist():
            at = self.steps + place
            about = {"alarm": name, "threshold": threshold}
            if last is not None and at - last > hold:
                yield {"kind": "end", "time": (last + 1) * monitor.step, **about}
                last = None
            if last is None:
                score = float(scores[place])
                yield {"kind": "alarm", "time": at * monitor.step, "score": score, **about}
            last = at
        if last is not None and self.steps + len(scores) - 1 - last > hold:
            end = (last + 1) * monitor.step
            yield {"kind": "end", "time": end, "alarm": name, "threshold": threshold}
            last = None
        self._last[name] = last

    @contextmanager
    def attach(self, model: nn.Module, every: int = EVERY) -> Iterator[list[dict[str, Any]]]:
        """A list that fills with lines while the model runs in the block, on one stream.

        The activations of the monitor's site are kept and encoded `every` steps at once, since one
        product over many rows costs far less than one for each; an alarm is so at most `every`
        steps late. The rest is encoded at the end of the block.

        Errors: ConfigError for `every` below 1; MismatchError for a batch of several streams.
        """
        if every < 1:
            raise ConfigError(f"got every={every}, expected a number of steps from 1 on")
        site = resolve_site(model, self._monitor.site)
        lines: list[dict[str, Any]] = []

        def keep(value: Tensor) -> None:
            if value.dim() == 3 and value.shape[0] != 1:
                raise MismatchError(
                    f"got a batch of {value.shape[0]} streams at {site.name!r}, expected one; make "
                    "a watch for each stream"
                )
            self._pieces.append(value.detach().clone())  # later layers may write into its memory
            self._waiting += value.numel() // value.shape[-1]
            if self._waiting >= every:
                lines.extend(self._flush())

        module = submodule(model, site.module_path)
        if site.side == "input":
            handle = hook_input(
                module,
                lambda module, args, kwargs: keep(
                    input_activation(module, args, kwargs, site.name, site.part)
                ),
            )
        else:
            handle = hook_output(
                module, lambda module, args, out: keep(output_activation(out, site.name, site.part))
            )
        try:
            yield lines
        finally:
            handle.remove()
            if self._waiting:
                lines.extend(self._flush())

    def _flush(self) -> list[dict[str, Any]]:
        d = self._pieces[0].shape[-1]
        rows = torch.cat([piece.reshape(-1, d) for piece in self._pieces])
        rows = rows.to(device_of(self._sae), torch.float32)
        self._pieces, self._waiting = [], 0
        return self.feed(rows)


def json_line(line: dict[str, Any]) -> str:
    """One line of JSON, without its end."""
    return json.dumps(line, allow_nan=False)
