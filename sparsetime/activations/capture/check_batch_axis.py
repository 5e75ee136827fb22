"""Check that activations of a window depend on no other window, beside it or before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.capture.input_windows import InputWindow
from sparsetime.errors import DataError, MismatchError

# A model that confuses batch and time still returns numbers, so only a comparison finds it. The
# tolerances are relative to the norm: batched sums are taken in another order. Reading the wrong
# axis changes activations far more.
_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}
# A single step may differ by more, relative to it and to the usual step: rounding of large terms
# that cancel. Compared alone, so that one step of large norm hides none of the others.
_OF_ONE_STEP = 4.0

Forward = Callable[[list[InputWindow]], dict[str, Tensor]]


@final
class BatchCheck:
    """Compares a window's activations alone with those beside, behind and before other windows.

    A window beside itself would show nothing of a module that reads the batch as time, so others of
    another content are run. `alone`: its activations [1, time, d] by site.

    Random draws of the model are the same in every pass. Where it draws for the whole batch, its
    activations have no value to compare, and the comparisons of batches are left out.
    """

    def __init__(
        self,
        forward: Forward,
        windows: Sequence[InputWindow],
        window: InputWindow,
        batch: int,
        longest: int,
    ) -> None:
        """longest: input steps that are compared, enough to see what the model mixes."""
        self._run, self._batch = forward, batch
        short = replace(window, input_stop=min(window.input_stop, window.input_start + longest))
        try:
            self.alone = self._forward(short)
        except DataError:  # the model may accept one length only
            short = window
            self.alone = self._forward(short)
        self._window = short
        self._other = _other_window(windows, short)
        self._random = self._differing(self._forward(short, seed=1), self.alone)

    def one_by_one(self) -> None:
        """Run the window again, and after another one.

        Errors: MismatchError where its activations depend on what was run before.
        """
        if not (differing := self._differing(self._forward(self._window), self.alone)):
            self._forward(self._other)
            differing = self._differing(self._forward(self._window), self.alone)
        for name in differing:
            raise MismatchError(
                f"the site {name!r} gives other activations for {self._document} when it runs "
                "again after another document: the module keeps a state between forward passes, "
                "or draws random numbers of its own. Let its forward pass begin with an empty state"
            )

    def together(self) -> None:
        """Run the window in one batch with another, first and second.

        Errors: MismatchError naming the site and what to set.
        """
        if self._random:
            return
        w, o = self._window, self._other
        try:
            pairs = [(self._forward(w, o), 0), (self._forward(o, w), 1), (self._forward(w, w), 1)]
        except MismatchError:
            raise
        except DataError:
            if self._batch == 1:  # the capture never runs two windows together
                return
            raise
        for values, place in pairs:
            of_window = {name: value[place : place + 1] for name, value in values.items()}
            for name in self._differing(of_window, self.alone):
                if name in self._confusing_axes():
                    raise MismatchError(
                        f"the site {name!r} gives other activations for {self._document} alone "
                        f"than for the same beside it in a batch: the module takes another axis "
                        f"for the batch and mixes documents. Build it with batch_first=True where "
                        f"it has that, or let the model swap the axes and set time_axis to where "
                        f"time stands at the site"
                    )
                if self._batch > 1:
                    raise MismatchError(
                        f"the site {name!r} gives other activations for {self._document} alone "
                        "than beside another one in a batch: the module computes with all "
                        "documents of a batch at once, as statistics of a batch or dynamic "
                        "quantisation do. Run one window at a time, with batch=1"
                    )

    def padding_changes_nothing(self) -> bool:
        """Whether a shorter window has its own activations where it is padded to a longer one."""
        if self._random or self._window.length < 2:
            return True
        short = _cut(self._other, max(1, self._window.length // 2))
        try:
            alone, padded = self._forward(short), self._forward(self._window, short)
        except DataError:
            return False
        return not self._differing(
            {name: padded[name][1:, : value.shape[1]] for name, value in alone.items()}, alone
        )

    def other_length(self) -> None:
        """Run the window one step shorter, where another axis is as long as time.

        Errors: MismatchError where the site then has no row a step.
        """
        window = self._window
        if window.length < 2 or all(v.shape[2] % v.shape[1] for v in self.alone.values()):
            return  # no other axis can be mistaken for time
        try:
            self._forward(_cut(window, window.length - 1))
        except MismatchError:
            raise
        except DataError:  # the model accepts one length only
            return

    @property
    def _document(self) -> str:
        return f"the document {self._window.prepared.document.id!r}"

    def _forward(self, *windows: InputWindow, seed: int = 0) -> dict[str, Tensor]:
        with seeds.torch_globals(seed, "check of a model", device=None):
            return self._run(list(windows))

    def _confusing_axes(self) -> list[str]:
        """The sites at which a step of one window reads that very step of another, and no more.

        That is what a module computes that takes the batch for time. One that computes with the
        whole batch changes every step.
        """
        w, o = self._window, self._other
        if w.length < 2:  # which shows nothing, so each is continued by the other
            both = [torch.cat([_inputs(a), _inputs(b)]) for a, b in ((w, o), (o, w))]
            w, o = (_with_inputs(w, inputs) for inputs in both)
        changed = _with_other_end(o, w)
        try:
            before, after = self._forward(o, w), self._forward(changed, w)
        except (DataError, MismatchError):  # the model accepts windows of one step only
            return []
        sites = []
        for name, value in before.items():
            error = (after[name][1].double() - value[1].double()).norm(dim=1).cpu()
            most = float(error.max())
            if most > 0 and int((error > 1e-3 * most).sum()) == 1:
                sites.append(name)
        return sites

    def _differing(self, several: dict[str, Tensor], one: dict[str, Tensor]) -> list[str]:
        return [name for name, value in one.items() if _differ(several[name], value)]


def _inputs(window: InputWindow) -> Tensor:
    return window.prepared.inputs[window.input_start : window.input_stop]


def _cut(window: InputWindow, length: int) -> InputWindow:
    return replace(window, input_stop=window.input_start + length)


def _with_inputs(window: InputWindow, inputs: Tensor) -> InputWindow:
    prepared = replace(window.prepared, inputs=inputs)
    return replace(window, prepared=prepared, input_start=0, input_stop=len(inputs))


def _other_window(windows: Sequence[InputWindow], window: InputWindow) -> InputWindow:
    """A window of the same length and another content; a made-up one where there is none."""
    own = _inputs(window)
    for candidate in windows:
        fits = candidate.length >= window.length
        if fits and candidate.decoder_length == window.decoder_length:
            cut = _cut(candidate, window.length)
            if not torch.equal(_inputs(cut), own):
                return cut
    reversed_in_time = own.flip(0)
    if torch.equal(reversed_in_time, own):
        reversed_in_time = _changed(own)
    return _with_inputs(window, reversed_in_time)


def _with_other_end(window: InputWindow, like: InputWindow) -> InputWindow:
    """The window with another last step, taken from `like` where that differs."""
    inputs = _inputs(window).clone()
    last, first = inputs[-1], _inputs(like)[0]
    inputs[-1] = _changed(last) if torch.equal(last, first) else first
    return _with_inputs(window, inputs)


def _changed(inputs: Tensor) -> Tensor:
    """Other inputs of the same kind: values are larger, and tokens their neighbours."""
    if inputs.is_floating_point():
        return inputs + 1
    return torch.where(inputs > 0, inputs - 1, inputs + 1)


def _differ(several: Tensor, one: Tensor) -> bool:
    """Whether any of `several` [n, time, d] differs from `one` [1, time, d].

    False where a value is not finite: that is checked later, with its place.
    """
    tolerance = _TOLERANCE.get(one.dtype, 1e-3)
    several, one = several.cpu().double(), one.cpu().double()
    errors, norms = (several - one).norm(dim=2), one.norm(dim=2)
    if bool((errors.norm(dim=1) > tolerance * norms.norm().clamp_min(1e-9)).any()):
        return True
    usual = torch.maximum(norms, norms.median()).clamp_min(1e-9)
    return bool((errors > _OF_ONE_STEP * tolerance * usual).any())
