"""Sequence models: composition, recipes, streams, and files."""

import pytest
import torch
from sequence_models.mixer_cases import CONFIGS

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, DataError, StoreError, UnknownNameError
from sparsetime.files import Folder
from sparsetime.sequence_models.serialise import JSON_NAME, is_sequence_model, load
from sparsetime.state import RecurrentState

RECIPES = [card.name for card in st.recipes(kind="sequence model")]
SMALL = {"vocabulary": 7, "d": 8}
TOKENS = torch.arange(22).reshape(2, 11) % 7


def composed(*mixers, **settings):
    return st.compose_model("symbols", mixers, "next_symbol", **{**SMALL, **settings}).double()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_streams_what_it_computes_of_whole_sequences(name):
    model = st.sequence_model(name, **SMALL).double().eval()
    assert model.name == name
    assert model(TOKENS).shape == (2, 11, 7)
    whole = model.encode(TOKENS)
    stream = model.stream(2)
    steps = torch.stack([stream.step(x) for x in TOKENS.unbind(1)], 1)
    torch.testing.assert_close(steps, whole)
    stream.reset()
    torch.testing.assert_close(stream.piece(TOKENS), whole)
    assert stream.steps == 22


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_of_values_forecasts_them(name):
    assert st.sequence_model(name, d=8)(torch.ones(2, 5, 1)).shape == (2, 5, 1)
    with pytest.raises(ConfigError, match="got vocabulary=7 and d_in=2, expected one of them"):
        st.sequence_model(name, d_in=2, **SMALL)


def test_cards_name_their_components():
    cards = {card.name: card for card in st.recipes(kind="sequence model")}
    assert cards["titans"].components["mixer"] == (
        "associative + attention + associative + attention"
    )
    assert cards["mamba"].components.keys() == {"view", "mixer", "head"}
    assert cards["titans"].defaults["chunk"] == 16


def test_one_stream_takes_single_steps_and_pieces_continue_with_a_state():
    model = composed("attention", {"kind": "conv", "width": 3})
    stream = model.stream()
    vectors = torch.stack([stream.step(int(x)) for x in TOKENS[0]])
    torch.testing.assert_close(vectors, model.encode(TOKENS[:1])[0])
    state = RecurrentState()
    outputs = torch.cat([model(part, state) for part in TOKENS.split(4, 1)], 1)
    torch.testing.assert_close(outputs, model(TOKENS))


def test_equal_seeds_give_equal_weights_and_torch_keeps_its_generator():
    before = torch.get_rng_state()
    one, two, other = (composed("rnn", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one(TOKENS), two(TOKENS))
    assert not torch.equal(one(TOKENS), other(TOKENS))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_model_opens_to_the_same_outputs(tmp_path, name):
    model = st.compose_model(
        "symbols", [CONFIGS[name]], ["next_symbol", "label"], **SMALL, classes=3
    )
    model.provenance = {"trained on": "nothing"}
    model.layers[0].mixer.lags = 5
    model.save(tmp_path / "model")
    assert is_sequence_model(tmp_path / "model")
    opened = load(tmp_path / "model")
    assert opened.to_config() == model.to_config() and opened.layers[0].mixer.lags == 5
    for kind, logits in opened(TOKENS).items():
        assert torch.equal(logits, model(TOKENS)[kind])


def test_a_folder_without_a_model_or_with_another_description_is_an_error(tmp_path):
    with pytest.raises(StoreError, match=r"holds no sequence_model.json, expected the folder of a"):
        load(tmp_path)
    model = composed("rnn").float()
    model.save(tmp_path)
    config = Folder(str(tmp_path)).read_json(JSON_NAME)
    Folder(str(tmp_path)).write_json(JSON_NAME, {**config, "d": 9})
    with pytest.raises(DamagedError, match="describes no model that fits its weights"):
        load(tmp_path)


def test_bad_compositions_are_errors_in_words():
    with pytest.raises(ConfigError, match="got no mixers, expected at least one"):
        st.compose_model("symbols", [], **SMALL)
    with pytest.raises(
        UnknownNameError, match="unknown mixer 'atention': did you mean 'attention'"
    ):
        composed("atention")
    with pytest.raises(UnknownNameError, match=r"of the components 'windw'.*'window'"):
        composed("attention", windw=4)
    with pytest.raises(ConfigError, match="got the heads label, label, expected one of each kind"):
        st.compose_model("symbols", "rnn", ["label", "label"], **SMALL, classes=2)
    with pytest.raises(ConfigError, match="got heads=3 for d=8, expected a divisor of d"):
        composed({"kind": "attention", "heads": 3})
    with pytest.raises(ConfigError, match=r"'window': got 0, expected greater than or equal to 1"):
        composed({"kind": "attention", "window": 0})
    with pytest.raises(ConfigError, match="got chunk=0 with loss='huber', expected 'squared'"):
        composed({"kind": "associative", "loss": "huber"})
    with pytest.raises(ConfigError, match="of kind 'dictionary', expected one of kind 'sequence"):
        st.sequence_model("topk")


def test_bad_data_is_an_error_in_words():
    model = composed("rnn")
    with pytest.raises(DataError, match="got symbols from 0 to 7, expected 0 to 6"):
        model(torch.tensor([[0, 7]]))
    with pytest.raises(DataError, match="got sequences without steps, expected at least one"):
        model.stream().piece(TOKENS[:1, :0])
    with pytest.raises(DataError, match=r"got torch.float32 of shape \[2, 11\], expected whole"):
        model(TOKENS.float())
    with pytest.raises(DataError, match=r"of shape \[2, 4, 2\], expected \[batch, steps, 1\]"):
        st.sequence_model("aaren", d=8)(torch.zeros(2, 4, 2))
    with pytest.raises(DataError, match="got 1 streams, expected 2"):
        model.stream(2).piece(TOKENS[:1])
    with pytest.raises(DataError, match="got streams=0, expected at least 1"):
        model.stream(0)
    values = torch.zeros(2, 4, 1)
    values[1, 2] = torch.nan
    with pytest.raises(DataError, match="not finite at step 2 of sequence 1, expected numbers"):
        st.sequence_model("aaren", d=8)(values)
