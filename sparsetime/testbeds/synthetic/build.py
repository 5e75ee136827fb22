"""Orchestra as a store, whose rows are the rows of the truth."""

from __future__ import annotations

import numpy as np
from torch import nn

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.documents import Document
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.synthetic.generate import SyntheticData, synthetic_data
from sparsetime.testbeds.synthetic.settings import SyntheticSettings


def content_version(_: SyntheticSettings) -> str:
    """What decides the bytes besides the settings: whose random numbers."""
    return f"numpy {np.__version__}"


def build(folder: str, settings: SyntheticSettings, show: bool) -> Testbed:
    """Play it, and store what was played; the store's one label is the hidden slow `state`."""
    played = synthetic_data(settings, show)
    store = capture(nn.Identity(), _documents(played), ".", folder, progress=show)
    return Testbed("synthetic", store, ("state",), truth=played)


def _documents(played: SyntheticData) -> list[Document]:
    pairs = zip(played.activations, played.state, strict=True)
    return [
        Document(f"sequence {i}", values=x, step_labels={"state": state.tolist()})
        for i, (x, state) in enumerate(pairs)
    ]
