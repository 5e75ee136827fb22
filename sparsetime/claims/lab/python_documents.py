"""Python source as windows of tokens, for claims about the shipped language model of Python."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.python_code.stdlib_source import modules


def python_windows(
    model: LoadedModel, windows: int, *, seed: int, held_out: bool, length: int = 256
) -> Int[Tensor, "windows length"]:
    """Windows of modules in a random order, each the beginning of one module.

    held_out: modules that the model was not trained on, to report on; otherwise modules that it
    read, to calibrate and to tune on. seed: of the order; other seeds read other modules as far as
    there are enough.
    """
    rows = _rows(model, seed, held_out, length)
    return torch.stack([row for _, row in zip(range(windows), rows, strict=False)])


def _rows(model: LoadedModel, seed: int, held_out: bool, length: int) -> Iterator[Tensor]:
    assert model.tokenizer is not None
    chosen = [module for module in modules() if module.held_out == held_out]
    rng = seeds.numpy_generator(seed, "order of modules of a claim")
    for number in rng.permutation(len(chosen)).tolist():
        ids = model.tokenizer(chosen[number].text, verbose=False)["input_ids"]
        if len(ids) >= length:
            yield torch.tensor(ids[:length])
