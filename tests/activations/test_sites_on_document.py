"""Sites of a model on the beginning of a recording, with the steps from row to row."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from toy_models import bert_folder
from toy_signals import strided_convolutions, vit, whisper

import sparsetime as st
from sparsetime.activations.capture.sites_on_document import sites_on_document
from sparsetime.errors import DataError
from sparsetime.models.load import load_model


def rates(model, document):
    found = sites_on_document(load_model(model), document)
    return found, {s.name: n for s, n in zip(found.sites, found.steps_a_row, strict=True)}


def values(*shape):
    return st.Document("a", values=torch.randn(*shape), recording=st.Recording(rate=100.0))


def test_rates_of_strided_convolutions_are_found_within_a_row():
    found, steps = rates(strided_convolutions(), values(2000))
    assert (found.length, found.layout) == (2000, "b c t")
    assert steps["0"] == pytest.approx(5, rel=0.01) and steps["4"] == pytest.approx(10, rel=0.02)
    shapes = {site.name: site.output_shape for site in found.sites}
    assert shapes["0"] == (1, 8, 399)


def test_frames_that_are_the_batch_and_a_pooled_site():
    found, steps = rates(vit(), values(6, 16, 16, 3))
    assert found.layout == "(b t) c h w" and steps["layers.1"] == 1

    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 4)

        def forward(self, x):
            return self.layer(x.mean(1))

    assert rates(Pooled(), values(30, 2))[1]["layer"] is None


def test_texts_and_models_of_one_length(tmp_path):
    text = st.Document("t", text="the river carries the morning " * 4)
    _, steps = rates(bert_folder(tmp_path), text)
    assert steps["encoder.layer.1"] == 1
    assert rates(whisper(), values(300, 8))[0].layout == "b c t"


def test_a_document_that_the_model_does_not_take_is_refused():
    with pytest.raises(DataError, match="the model"):
        rates(nn.Linear(7, 2), values(30, 2))
    three = st.Recording(channels=["x", "y", "label"])
    with pytest.raises(DataError, match=r"'b' has the shape \[3\] with 3 channels: x, y, label"):
        rates(nn.Linear(2, 2), st.Document("b", values=torch.zeros(30, 3), recording=three))
    with pytest.raises(DataError, match="the document 'a' has no steps; give another one"):
        rates(nn.Linear(2, 2), st.Document("a", values=torch.zeros(0, 2)))
