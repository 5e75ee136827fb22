"""Sites of a model on a recording: their shapes, and the input steps from a row to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.model_call import ModelCall
from sparsetime.activations.capture.tokenize import DocumentPreparer
from sparsetime.errors import DataError
from sparsetime.models.forward_signature import forward_parameters
from sparsetime.models.input_layout import AS_GIVEN, candidate_layouts
from sparsetime.models.input_lengths import named_lengths
from sparsetime.models.load import LoadedModel
from sparsetime.models.sites import Site, sites

_MOST_STEPS, _MOST_NUMBERS = 1 << 14, 1 << 20  # of a recording that are run
_MOST_TOKENS = 512


@final
@dataclass(frozen=True)
class SitesOnDocument:
    """The sites of a model that read the first `length` steps of a document in a layout.

    steps_a_row: for each site, input steps from a row of its output to the next, off by as much as
    one row in all may shift them; None where no axis follows the length of the input, as of pooled
    sites and of models that take one length.
    """

    sites: list[Site]
    steps_a_row: list[float | None]
    length: int
    layout: str


def sites_on_document(loaded: LoadedModel, document: Document) -> SitesOnDocument:
    """Run the model on the beginning of a document, and on half of it.

    Errors: DataError where the document has no step or the model takes it in no layout.
    """
    prepared = next(iter(DocumentPreparer(loaded).prepare([document])), None)
    if prepared is None:
        raise DataError(f"the document {document.id!r} has no steps; give another one")
    inputs = prepared.inputs
    most = (
        _MOST_TOKENS if inputs.ndim == 1 else min(_MOST_STEPS, _MOST_NUMBERS // inputs[0].numel())
    )
    whole = min(len(inputs), max(1, most))
    layouts = candidate_layouts(inputs.shape) if inputs.ndim > 1 else [AS_GIVEN]
    lengths = [whole, *(n for n in named_lengths(loaded.model) if n <= len(inputs))]
    error: DataError | None = None
    # Two at once first: alone, [1, time] is also one channel of a convolution without a batch.
    for batch in (2, 1):
        for length in dict.fromkeys(lengths):
            for layout in layouts:
                try:
                    sites(loaded, _sample(loaded, inputs[:length], layout, batch))
                    found = sites(loaded, _sample(loaded, inputs[:length], layout))
                except DataError as raised:
                    error = error or raised
                    continue
                rates = _rates(loaded, found, inputs, length, layout)
                return SitesOnDocument(found, rates, length, layout)
    assert error is not None, "some layout was tried"
    channels = document.recording.channels if document.recording else ()
    named = f" with {len(channels)} channels: {', '.join(channels)}" if channels else ""
    raise DataError(
        f"{str(error).rstrip('.')}; a step of the document {document.id!r} has the shape "
        f"{list(inputs.shape[1:])}{named}"
    ) from error


def _sample(
    loaded: LoadedModel, inputs: Tensor, layout: str, batch: int = 1
) -> Tensor | Mapping[str, Any]:
    """The arguments of a run on copies of an input, as `sites` takes them."""
    several = torch.stack([inputs] * batch)
    mask = torch.ones(batch, len(inputs), dtype=torch.long)
    arguments, keywords = ModelCall(loaded.model).arguments(several, mask, layout)
    if not keywords:
        return arguments[0]
    first = next(iter(forward_parameters(loaded.model)), "")
    return {**({first: arguments[0]} if arguments else {}), **keywords}


def _rates(
    loaded: LoadedModel, found: list[Site], inputs: Tensor, length: int, layout: str
) -> list[float | None]:
    half = length // 2
    try:
        shorter = sites(loaded, _sample(loaded, inputs[:half], layout)) if half else []
    except DataError:  # the model may take one length only
        shorter = []
    if not shorter:
        return [None] * len(found)
    return [
        _steps_a_row(one.output_shape, other.output_shape, length - half)
        for one, other in zip(found, shorter, strict=True)
    ]


def _steps_a_row(
    one: tuple[int, ...] | None, other: tuple[int, ...] | None, more: int
) -> float | None:
    if one is None or other is None or len(one) != len(other):
        return None
    rows = [a - b for a, b in zip(one, other, strict=True) if a != b]
    return more / rows[0] if len(rows) == 1 and rows[0] > 0 else None
