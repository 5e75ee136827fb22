"""Synthetic testbed as a store, whose rows are the rows of the true code."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sparsetime import seeds
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.errors import StoreError
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.synthetic.generate import SyntheticData, synthetic_data
from sparsetime.testbeds.synthetic.settings import SyntheticSettings


def content_version(_: SyntheticSettings) -> str:
    """The versions that the bytes depend on beside the settings: of numpy, and of the streams."""
    return f"numpy {np.__version__}, streams {seeds.STREAMS_VERSION}"


def build(folder: str, settings: SyntheticSettings, show: bool) -> Testbed:
    """Generate and store the activations; the store's one label is the hidden slow `state`.

    Errors: StoreError where the folder holds other activations.
    """
    data = synthetic_data(settings, show)
    store = capture(nn.Identity(), _documents(data), ".", folder, progress=show)
    # Captures compare steps and labels, which other values may share.
    if not torch.equal(store.sequence(0).values, data.activations[0]):
        raise StoreError(
            f"got {folder}, which holds a synthetic testbed of other random numbers, expected that "
            "of these settings and this version; choose another folder, or remove it"
        )
    return Testbed("synthetic", store, ("state",), truth=data)


def _documents(data: SyntheticData) -> list[Document]:
    pairs = zip(data.activations, data.state, strict=True)
    return [
        Document(f"sequence {i}", values=x, step_labels={"state": state.tolist()})
        for i, (x, state) in enumerate(pairs)
    ]
