"""Synthetic testbed as a store, whose rows are the rows of the true code."""

from __future__ import annotations

import numpy as np
from torch import nn

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.synthetic.generate import SyntheticData, synthetic_data
from sparsetime.testbeds.synthetic.settings import SyntheticSettings


def content_version(_: SyntheticSettings) -> str:
    """The version that the bytes depend on beside the settings: that of numpy's generators."""
    return f"numpy {np.__version__}"


def build(folder: str, settings: SyntheticSettings, show: bool) -> Testbed:
    """Generate and store the activations; the store's one label is the hidden slow `state`."""
    data = synthetic_data(settings, show)
    store = capture(nn.Identity(), _documents(data), ".", folder, progress=show)
    return Testbed("synthetic", store, ("state",), truth=data)


def _documents(data: SyntheticData) -> list[Document]:
    pairs = zip(data.activations, data.state, strict=True)
    return [
        Document(f"sequence {i}", values=x, step_labels={"state": state.tolist()})
        for i, (x, state) in enumerate(pairs)
    ]
