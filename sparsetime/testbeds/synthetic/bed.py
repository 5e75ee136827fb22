"""Orchestra as a store, whose rows are the rows of the truth."""

from __future__ import annotations

import numpy as np
from torch import nn

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.documents import Document
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.synthetic.generate import Orchestra, orchestra
from sparsetime.testbeds.synthetic.settings import OrchestraSettings


def made_of(_: OrchestraSettings) -> str:
    """What decides the bytes besides the settings: whose random numbers."""
    return f"numpy {np.__version__}"


def build(folder: str, settings: OrchestraSettings, show: bool) -> Testbed:
    """Play it, and store what was played; the store's one label is the hidden slow `state`."""
    played = orchestra(settings, show)
    store = capture(nn.Identity(), _documents(played), ".", folder, progress=show)
    return Testbed("orchestra", store, ("state",), truth=played)


def _documents(played: Orchestra) -> list[Document]:
    pairs = zip(played.activations, played.state, strict=True)
    return [
        Document(f"sequence {i}", values=x, step_labels={"state": state.tolist()})
        for i, (x, state) in enumerate(pairs)
    ]
