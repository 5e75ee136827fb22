"""What a model writes itself, as data for a capture."""

import pytest
import torch
from toy_models import llama, llama_lm

import sparsetime as st
from sparsetime.errors import ConfigError


def writer(**settings):
    return llama_lm(**settings).eval()


QUIET = {"progress": False}


def test_documents_begin_alike_and_end_in_time():
    found = st.sample_documents(writer(), 20, batch=8, **QUIET)
    assert len(found) == 20 and len({document.id for document in found}) == 20
    assert all(document.tokens[0] == 1 for document in found)  # llama's beginning
    assert all(2 <= len(document) <= 32 for document in found)
    assert not any(2 in document.tokens for document in found)  # its end is taken off
    assert min(map(len, found)) < 32  # some ended by themselves


def test_a_seed_gives_the_same_documents_however_many():
    model = writer()
    few = st.sample_documents(model, 6, batch=4, seed=3, **QUIET)
    before = torch.get_rng_state()
    more = st.sample_documents(model, 11, batch=4, seed=3, **QUIET)
    assert torch.equal(before, torch.get_rng_state())
    other = st.sample_documents(model, 6, batch=4, seed=4, **QUIET)
    for one, two in zip(few, more, strict=False):
        assert one.id == two.id and torch.equal(one.tokens, two.tokens)
    assert any(not torch.equal(a.tokens, b.tokens) for a, b in zip(few, other, strict=True))


def test_samples_follow_the_models_own_probabilities():
    """The first token after the beginning, over many documents, against the model's softmax."""
    model = writer(initializer_range=1.0)
    model.generation_config.eos_token_id = None
    found = st.sample_documents(model, 3000, length=2, batch=3000, **QUIET)
    drawn = torch.tensor([int(document.tokens[1]) for document in found])
    with torch.no_grad():
        wanted = model(torch.tensor([[1]])).logits[0, 0].softmax(0)
    shares = torch.bincount(drawn, minlength=50) / 3000
    assert (shares - wanted).abs().sum() < 0.2 < (wanted - 1 / 50).abs().sum()


def test_a_low_temperature_takes_the_likeliest():
    model = writer(initializer_range=1.0)
    model.generation_config.eos_token_id = None
    cold = st.sample_documents(model, 2, length=4, temperature=1e-4, **QUIET)
    with torch.no_grad():
        likeliest = model(cold[0].tokens[None, :-1]).logits[0].argmax(1)
    assert torch.equal(cold[0].tokens[1:], likeliest)


def test_capture_takes_samples(tmp_path):
    model = writer()
    found = st.sample_documents(model, 5, length=8, **QUIET)
    store = st.capture(model, found, "model.layers.0", tmp_path / "store", progress=False)
    # Without a tokenizer nobody knows the beginning from other tokens, so it is kept.
    assert len(store) == sum(map(len, found))
    assert store.steps(["token"])["token"].to_pylist()[: len(found[0])] == found[0].tokens.tolist()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"count": 0}, "got count=0, batch=64, .* expected count and batch of at least 1"),
        ({"temperature": 0.0}, "got .* temperature=0.0, expected .* a temperature above 0"),
        ({"length": 1}, "length=1 is too short or too long: .* at least one token after it"),
        ({"length": 33}, "length=33 .* at most the 32 that the model reads at once"),
    ],
)
def test_settings_out_of_range_are_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        st.sample_documents(writer(), **{"count": 2, **settings}, **QUIET)


def test_models_that_cannot_write_are_refused():
    for model in (llama(), torch.nn.Linear(2, 2)):
        with pytest.raises(ConfigError, match=r"cannot write: .*AutoModelForCausalLM"):
            st.sample_documents(model, 2, **QUIET)
    silent = writer(bos_token_id=None, eos_token_id=None)
    with pytest.raises(ConfigError, match=r"says no token that a text begins with; give .*begin"):
        st.sample_documents(silent, 2, **QUIET)
    given = st.sample_documents(silent, 2, length=3, begin=7, **QUIET)
    assert [document.tokens[0] for document in given] == [7, 7]
