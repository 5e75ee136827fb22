"""A model is recognised by its weights and by what it computes with, also inside of wrappers."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn
from toy_models import Blocks, bert, bert_folder, llama

import sparsetime as st
from sparsetime.errors import MismatchError
from sparsetime.models.load import load_model
from sparsetime.models.model_hash import is_model, model_hash, same_model
from sparsetime.models.weight_hash import weight_hash


def with_rope_base(base):
    from transformers import LlamaModel

    model = llama()
    config = type(model.config)(**(model.config.to_dict() | {"rope_parameters": {
        "rope_type": "default", "rope_theta": base}}))  # fmt: skip
    other = LlamaModel(config).eval()
    other.load_state_dict(model.state_dict())
    return other


class Scaled(nn.Module):
    """Keeps an argument that decides what it computes, and a counter that does not."""

    def __init__(self, base=10.0, act=torch.relu):
        super().__init__()
        torch.manual_seed(0)
        self.base, self.act, self.calls = base, act, 0
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        self.calls += 1
        return self.act(self.inner(x)) * self.base


@dataclass
class Settings:
    heads: int = 2
    dropout: float = 0.1


class WithConfig(nn.Module):
    def __init__(self, config):
        super().__init__()
        torch.manual_seed(0)
        self.config, self.inner = config, nn.Linear(3, 3)


def layer(**settings):
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(8, batch_first=True, dim_feedforward=8, **settings)


DIFFERENT = {
    "rope base": (lambda: with_rope_base(10_000.0), lambda: with_rope_base(500_000.0)),
    "activation": (lambda: bert(hidden_act="gelu"), lambda: bert(hidden_act="relu")),
    "epsilon": (bert, lambda: bert(layer_norm_eps=1e-3)),
    "own argument": (Scaled, lambda: Scaled(base=20.0)),
    "own function": (Scaled, lambda: Scaled(act=torch.tanh)),
    "own config": (lambda: WithConfig(Settings()), lambda: WithConfig(Settings(heads=4))),
    "mapping": (lambda: WithConfig({"heads": 2}), lambda: WithConfig({"heads": 4})),
    "heads": (lambda: layer(nhead=2), lambda: layer(nhead=4)),
    "order of norms": (lambda: layer(nhead=2), lambda: layer(nhead=2, norm_first=True)),
    "stride": (lambda: conv(padding=1), lambda: conv(padding=2)),
}
SAME = {
    "dropout": (bert, lambda: bert(hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3)),
    "own dropout": (lambda: WithConfig(Settings()), lambda: WithConfig(Settings(dropout=0.5))),
    "names": (bert, lambda: bert(id2label={0: "a"}, use_cache=False, bos_token_id=3)),
    "layers": (lambda: layer(nhead=2, dropout=0.1), lambda: layer(nhead=2, dropout=0.2)),
}


def conv(**settings):
    torch.manual_seed(0)
    return nn.Conv1d(3, 3, 3, **settings)


@pytest.mark.parametrize("name", DIFFERENT)
def test_equal_weights_that_compute_differently_have_other_hashes(name):
    one, other = (make() for make in DIFFERENT[name])
    assert weight_hash(one) == weight_hash(other)
    assert not same_model(model_hash(one), model_hash(other))
    # Of 0.1.0 only the hash of the weights is known.
    assert same_model(model_hash(one), weight_hash(other))
    assert same_model(weight_hash(one), model_hash(other))


@pytest.mark.parametrize("name", SAME)
def test_settings_that_change_no_activation_are_no_part_of_it(name):
    one, other = (make() for make in SAME[name])
    assert model_hash(one) == model_hash(other)


def test_a_hash_does_not_change_when_the_model_runs_or_is_saved(tmp_path):
    model = Scaled()
    before = model_hash(model)
    model(torch.zeros(2, 3))
    assert model.calls and model_hash(model) == before
    folder = bert_folder(tmp_path)
    loaded = load_model(folder)
    assert loaded.revision_or_hash == model_hash(bert())
    loaded.model(input_ids=torch.ones(1, 3, dtype=torch.long))
    assert model_hash(loaded.model) == loaded.revision_or_hash


def wrapped(model):
    inner = nn.Sequential(torch.compile(nn.Linear(3, 3), backend="eager"))
    plain = nn.Sequential(nn.Linear(3, 3))
    plain.load_state_dict(
        {"0.weight": inner[0]._orig_mod.weight, "0.bias": inner[0]._orig_mod.bias}
    )
    return [
        (torch.compile(model, backend="eager"), model),
        (nn.DataParallel(model), model),
        (torch.compile(nn.DataParallel(model), backend="eager"), model),
        (inner, plain),
    ]


def test_a_wrapped_model_is_the_plain_one(tmp_path):
    for outer, plain in wrapped(Blocks()):
        assert weight_hash(outer) == weight_hash(plain)
        assert model_hash(outer) == model_hash(plain)
        assert {site.path for site in st.sites(outer)} == {site.path for site in st.sites(plain)}
        # A store of 0.1.0 holds the hash over the names with the wrapper.
        from sparsetime.models.weight_hash import hash_with_wrappers

        old = hash_with_wrappers(outer)
        assert old != weight_hash(outer)
        assert is_model(outer, model_hash(outer), old)
        assert not is_model(plain, model_hash(plain), old)
    x = torch.randn(2, 5, 3)
    model = Blocks().eval()
    expected = st.capture(model, x, "lstm", tmp_path / "plain", progress=False)
    compiled = torch.compile(model, backend="eager")
    for site in ("lstm", "_orig_mod.lstm"):
        store = st.capture(compiled, x, site, tmp_path / site, progress=False)
        assert store.model_hash == expected.model_hash and store.site == site
        torch.testing.assert_close(store.sequence(0).values, expected.sequence(0).values)


def test_stores_and_dictionaries_of_0_1_0_are_still_accepted(tmp_path, monkeypatch):
    x = torch.randn(4, 5, 3)
    model = Blocks().eval()
    with monkeypatch.context() as patch:  # which knew a model by its weights alone
        patch.setattr("sparsetime.models.load.model_hash", weight_hash)
        old = st.capture(model, x, "lstm", tmp_path / "s", progress=False)
    assert old.model_hash == weight_hash(model)
    new = st.capture(model, x, "lstm", tmp_path / "new", progress=False)
    assert new.model_hash != old.model_hash
    again = st.capture(model, x, "lstm", tmp_path / "s", progress=False)  # is finished, and opened
    assert again.model_hash == old.model_hash
    sae = st.dictionary("topk", d_in=8, width=16, k=2)
    sae.provenance = {"model_hash": old.model_hash, "site": "lstm"}
    st.train(sae, new, out=tmp_path / "t", rows=64, batch=16, show=False)
    st.paired_sites([new, old])


def test_the_second_model_of_equal_weights_is_not_given_the_activations_of_the_first(tmp_path):
    from sparsetime.activations.store.open_store import open_store

    x = torch.randn(4, 5, 3)
    first = st.capture(Scaled(), x, "inner", tmp_path / "s", progress=False)
    with pytest.raises(st.errors.StoreError, match="holds another capture: model_hash is"):
        st.capture(Scaled(base=3.0), x, "inner", tmp_path / "s", progress=False)
    sae = st.dictionary("topk", d_in=3, width=8, k=2)
    st.train(sae, first, out=tmp_path / "t", rows=64, batch=16, show=False)
    other = st.capture(Scaled(base=3.0), x, "inner", tmp_path / "o", progress=False)
    with pytest.raises(MismatchError, match="was made for a model with hash"):
        st.evaluate(sae, other, ["fvu"], progress=False)
    with pytest.raises(MismatchError, match="expected the model of the store's activations"):
        st.evaluate(sae, open_store(tmp_path / "s"), ["fvu"], model=Scaled(base=3.0))
