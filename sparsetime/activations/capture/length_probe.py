"""LengthProbe: shapes of a model's sites for inputs of several lengths, each run once."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime.activations.capture.model_call import ModelCall
from sparsetime.errors import DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import Recorder
from sparsetime.models.input_layout import candidate_layouts
from sparsetime.models.input_lengths import named_lengths
from sparsetime.models.model_errors import explained

Shapes = dict[str, tuple[int, ...]]
_LONG = 4096  # input steps of a first try, so that long recordings are not run many times
# Of inputs longer than a document: attention takes memory of the square of the length.
_LONGEST = 1 << 14
_LONGEST_TOKENS = 512
_POWERS = 13


@final
class RunSites:
    """Runs a model on inputs [batch, time, ...] and returns the tensor of every site."""

    def __init__(self, call: ModelCall, recorder: Recorder, name: str) -> None:
        self._call, self.recorder, self._name = call, recorder, name
        self.has_decoder = call.has_decoder

    def __call__(
        self, inputs: Tensor, layout: str, decoder_tokens: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Errors: DataError where the model does not take the inputs."""
        mask = torch.ones(inputs.shape[:2], dtype=torch.long)
        arguments, keywords = self._call.arguments(inputs, mask, layout, decoder_tokens)
        shape = list(inputs.shape)
        with explained(f"the model {self._name!r} cannot run on inputs of shape {shape}"):
            return self.recorder.tensors(arguments, keywords)


@final
class LengthProbe:
    """Shapes of all sites, by the length of the input.

    Inputs are the beginning of a document, repeated where more are needed: shapes do not depend on
    values. Two windows run at once, so that the axis of the batch is seen; one where `batch` is 1
    and the model takes no more. multiple, fixed: which lengths the model takes; length: the longest
    that is tried first.
    """

    def __init__(
        self,
        run: RunSites,
        inputs: Tensor,
        batch: int,
        layout: str | None,
        window: int | None,
    ) -> None:
        self._run, self._recorder, self._inputs = run, run.recorder, inputs
        self.model = run.recorder.model
        self.batch = 2
        self.layout = layout or ""
        self._seen: dict[int, Shapes | None] = {}
        self.error: DataError | None = None
        self.multiple = 1
        self.fixed: int | None = None
        try:
            self.length = self._first_length(layout, window)
        except DataError:
            if batch > 1:
                raise
            self.batch = 1
            self.length = self._first_length(layout, window)
        # Some networks that halve the length take one below a multiple too.
        if any(self._shapes(self.length - less) is None for less in (1, 2, 3)):
            self.multiple = self._smallest_multiple()

    def shapes(self, length: int) -> Shapes:
        """The shapes for a length that the model takes. Errors: DataError where it does not."""
        shapes = self._shapes(length)
        if shapes is None:
            assert self.error is not None
            raise self.error
        return shapes

    def takes(self, length: int) -> bool:
        """Whether the model runs on inputs of this length."""
        longest = max(_LONGEST if self._inputs.ndim > 1 else _LONGEST_TOKENS, len(self._inputs))
        return 0 < length <= longest and self._shapes(length) is not None

    def inputs(self, length: int) -> Tensor:
        """Inputs [time, ...] of a length."""
        times = -(-length // len(self._inputs))
        return torch.cat([self._inputs] * times)[:length] if times > 1 else self._inputs[:length]

    def run_one(self, values: Tensor) -> dict[str, Tensor]:
        """One forward pass of inputs [1, time, ...], with gradients where they are on."""
        with eval_mode(self.model), self._recorder, torch.enable_grad():
            return self._run(values, self.layout)

    def decoder_sites(self) -> list[str]:
        """The sites whose shape follows the tokens of the decoder, and not the input."""
        if not self._run.has_decoder:
            return []
        inputs = torch.stack([self.inputs(self.length)] * self.batch)
        by_length = []
        for length in (2, 3):
            tokens = torch.zeros(self.batch, length, dtype=torch.long)
            with eval_mode(self.model), self._recorder:
                by_length.append(self._run(inputs, self.layout, tokens))
        few, more = by_length
        return [name for name in few if few[name].shape != more[name].shape]

    def _shapes(self, length: int) -> Shapes | None:
        if length < 1:
            return None
        if length not in self._seen:
            batch = torch.stack([self.inputs(length)] * self.batch)
            try:
                with eval_mode(self.model), self._recorder:
                    tensors = self._run(batch, self.layout)
                self._seen[length] = {n: tuple(v.shape) for n, v in tensors.items()}
            except DataError as error:
                self.error = self.error or error
                self._seen[length] = None
        return self._seen[length]

    def _first_length(self, layout: str | None, window: int | None) -> int:
        """A length that the model takes, and the layout in which it does."""
        whole = window or len(self._inputs)
        lengths = [min(whole, _LONG), whole, *named_lengths(self.model)]
        lengths += [-(-whole // (1 << power)) << power for power in range(1, _POWERS)]
        if self._inputs.ndim == 1:  # windows of tokens have a length that the model takes
            lengths = lengths[:1]
        layouts = [layout] if layout is not None else candidate_layouts(self._inputs.shape)
        if self._inputs.ndim == 1:
            layouts = [""]
        for length in dict.fromkeys(lengths):
            for self.layout in layouts:
                self._seen.clear()
                if self.takes(length):
                    return length
        assert self.error is not None, "some length was tried"
        raise self.error

    def _smallest_multiple(self) -> int:
        """The smallest power of 2 of which lengths are multiples; else the length is fixed."""
        for power in range(1, _POWERS):
            multiple = 1 << power
            if self.length % multiple == 0 and self.takes(self.length - multiple):
                return multiple
        self.fixed = self.length
        return 1
