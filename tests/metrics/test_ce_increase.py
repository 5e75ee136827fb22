"""The increase in cross-entropy with a dictionary spliced in, as a metric of `st.evaluate`."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import sparsetime as st
from sparsetime.errors import MismatchError
from sparsetime.metrics.ce_increase import ce_increase

SITE = "layers.0"


class Bigram(nn.Module):
    """Embeds a token, passes one layer, and predicts the next token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 8)])
        self.head = nn.Linear(8, 20)

    def forward(self, input_ids):
        return self.head(self.layers[0](self.embed(input_ids)))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = Bigram()
    tokens = torch.randint(0, 20, (64, 32))
    tokens[:, 1::2] = tokens[:, ::2]  # every second token repeats the one before it
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(100):
        loss = nn.functional.cross_entropy(model(tokens[:, :-1]).mT, tokens[:, 1:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.tokens = tokens
    return model


def test_the_identity_costs_nothing_and_the_mean_costs_the_null(model):
    same = ce_increase(model, lambda x: x, model.tokens, SITE)
    assert same.value == 0 and same.details["recovered"] == 1
    assert same.null > 0.1 and same.null_is == "mean ablation"

    with torch.no_grad():
        mean = model.layers[0](model.embed(model.tokens)).mean((0, 1))
    ablated = ce_increase(model, lambda x: mean.expand_as(x), model.tokens, SITE)
    assert ablated.value == pytest.approx(ablated.null, rel=1e-4)
    assert ablated.details["recovered"] == pytest.approx(0, abs=1e-3)


def test_a_partial_reconstruction_lies_between_with_an_interval(model):
    half = ce_increase(model, lambda x: 0.5 * x, model.tokens, SITE)
    low, high = half.interval
    assert 0 < low < half.value < high


def test_evaluate_takes_it_with_the_model_and_leaves_it_out_without(model, tmp_path):
    documents = list(model.tokens)
    store = st.capture(model, documents, SITE, tmp_path / "store", progress=False)
    sae = st.dictionary("topk", d_in=8, width=16, k=4)
    report = st.evaluate(sae, store, ["ce_increase"], model=model, context=16, progress=False)
    expected = ce_increase(model, sae, model.tokens.reshape(-1, 16), SITE)
    assert report["ce_increase"].value == pytest.approx(expected.value, rel=1e-5)
    assert report["ce_increase"].details["null_is"] == "mean ablation"
    left_out = st.evaluate(sae, store, ["ce_increase"], progress=False).left_out["ce_increase"]
    assert left_out.startswith("no model was given; pass the model of the store's activations")
    short = st.evaluate(sae, store, ["model"], model=model, context=99, progress=False).left_out
    assert "no held-out document" in short["ce_increase"]
    with pytest.raises(MismatchError, match=r"got a model with hash .*, expected the model of the"):
        st.evaluate(sae, store, ["ce_increase"], model=Bigram(), progress=False)
