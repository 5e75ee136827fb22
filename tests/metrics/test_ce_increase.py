"""The increase in cross-entropy with a dictionary spliced in, as a metric of `st.evaluate`."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import sparsetime as st
from sparsetime.activations import StepExclusion
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


def test_steps_left_out_pass_through(model):
    """Those of a dictionary's training by default: the model's own activations stay there."""

    class Zero:
        def __init__(self):
            self.provenance = {"excluded_steps": StepExclusion(first=16).to_config()}

        def __call__(self, x):
            return torch.zeros_like(x)

    whole = ce_increase(model, Zero(), model.tokens, SITE, exclusion=StepExclusion())
    all_kept = ce_increase(model, Zero(), model.tokens, SITE, exclusion=StepExclusion(first=32))
    assert all_kept.value == 0 and all_kept.null == 0
    own = ce_increase(model, Zero(), model.tokens, SITE)
    assert 0.2 * whole.value < own.value < 0.8 * whole.value
    assert 0 < own.null < whole.null
    by_token = StepExclusion(tokens=tuple(range(20)))
    assert ce_increase(model, Zero(), model.tokens, SITE, exclusion=by_token).value == 0


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


def test_special_tokens_that_the_store_lacks_are_read_and_not_replaced(tmp_path):
    from toy_models import tokenizer as make_tokenizer

    from sparsetime.activations.sampling.model_windows import held_out_windows
    from sparsetime.interventions.lm_loss import next_token_loss
    from sparsetime.models.load import load_model

    torch.manual_seed(0)
    model, tokenizer = Bigram().eval(), make_tokenizer(tmp_path / "tokenizer")
    texts = ["time runs on and stops .", "on and on and on and on"] * 4
    loaded = load_model(model, tokenizer)
    store = st.capture(loaded, texts, SITE, tmp_path / "s", progress=False)
    windows = held_out_windows(store, 5, 1000, tokenizer)
    assert windows.tokens[:, 0].eq(2).all() and windows.tokens[:, -1].eq(3).all()
    assert windows.keep.tolist() == [[True, False, False, False, True]] * len(windows.tokens)
    sae = st.dictionary("topk", d_in=8, width=16, k=2)
    report = st.evaluate(sae, store, ["ce_increase"], model=loaded, context=5, progress=False)
    with torch.no_grad():
        plain = next_token_loss(model, windows.tokens)
        kept = next_token_loss(model, windows.tokens, SITE, sae, keep=[2, 3])
        replaced = next_token_loss(model, windows.tokens, SITE, sae)
    assert report["ce_increase"].value == pytest.approx(float(kept - plain), rel=1e-4)
    assert float(replaced) != pytest.approx(float(kept), rel=1e-4)
    # Token arrays were captured as they are, without a frame.
    arrays = st.capture(loaded, [[5, 6, 7, 8, 9]], SITE, tmp_path / "a", progress=False)
    bare = held_out_windows(arrays, 5, 1000, tokenizer)
    assert bare.tokens.tolist() == [[5, 6, 7, 8, 9]] and not bare.keep.any()


def test_the_mean_is_of_the_steps_that_are_replaced(model):
    keep = torch.zeros_like(model.tokens, dtype=torch.bool)
    keep[:, 0] = True
    with torch.no_grad():
        mean = model.layers[0](model.embed(model.tokens[:, 1:])).mean((0, 1))
    ablated = ce_increase(model, lambda x: mean.expand_as(x), model.tokens, SITE, keep=keep)
    assert ablated.value == pytest.approx(ablated.null, rel=1e-4)
