"""Compositions of one's own: made by names, kept, refused where they make no sense."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.encoders import Encoder, LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK
from sparsetime.dictionaries.skip_connections import LinearSkip
from sparsetime.dictionaries.sparsifiers import TopK
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError

TOP = {"kind": "top_k", "k": 4}


def composed(**own):
    return st.compose(**{"d_in": 16, "width": 64, "sparsifier": TOP, **own})


def test_names_settings_and_objects_make_the_same_dictionary():
    by_name = composed(objective=["mse", {"kind": "aux_k", "k": 8}])
    by_object = composed(
        encoder=LinearEncoder(16, 64),
        sparsifier=TopK(4),
        decoder=UnitNormDecoder(64, 16),
        objective=[MSE(), AuxK(8)],
    )
    recipe = st.dictionary("topk", d_in=16, width=64, k=4, aux_k=8)
    for made in (by_object, recipe):
        assert {**made.to_config(), "name": "composed"} == by_name.to_config()
        state = made.state_dict()
        assert all(torch.equal(t, state[name]) for name, t in by_name.state_dict().items())


def test_a_composition_trains_saves_and_loads(tmp_path):
    sae = composed(
        encoder="tied",
        sparsifier={"kind": "batch_top_k", "k": 4},
        decoder={"kind": "unit_norm", "groups": [16, 64]},
        objective=["nested_mse", "aux_k"],
        name="own",
    )
    x = planted(3000)
    run = st.train(
        sae, x, out=tmp_path / "run", rows=20_000, batch=128, learning_rate=3e-3, show=False
    )
    assert run.metrics[-1]["fvu"] < 0.6 * run.metrics[0]["fvu"]
    again = st.load(tmp_path / "run")
    assert again.name == "own" and again.groups == (16, 64)
    assert torch.equal(again.encode(x[:50]).dense(), sae.encode(x[:50]).dense())
    assert "encoder.atoms" not in "".join(sae.state_dict())  # the atoms are saved once
    assert torch.equal(again.encoder.directions(), again.atoms)


@pytest.mark.parametrize(
    ("own", "error", "text"),
    [
        ({"encoder": "liner"}, UnknownNameError, "unknown encoder 'liner': did you mean 'linear'"),
        ({"objective": ["mse", "aux"]}, UnknownNameError, "unknown term 'aux': did you mean"),
        (
            {"sparsifier": {**TOP, "kk": 3}},
            UnknownNameError,
            "unknown setting of sparsifier 'top_k' 'kk': did you mean 'k'",
        ),
        ({"sparsifier": "top_k"}, ConfigError, "sparsifier 'top_k' also needs k"),
        (
            {"sparsifier": {"kind": "top_k", "k": 2.5}},
            ConfigError,
            "sparsifier 'top_k': 'k': got 2.5, expected a valid integer",
        ),
        ({"sparsifier": {"kind": "top_k", "k": 65}}, ConfigError, "k is 65 and larger than the"),
        (
            {"sparsifier": {"k": 4}},
            ConfigError,
            r"\(sparsifier\) needs a 'kind'",
        ),
        ({"encoder": TopK(4)}, ConfigError, "got 'top_k', of role sparsifier, as encoder"),
        ({"d_in": 0}, ConfigError, "got d_in=0, expected a number of dimensions of at least 1"),
        ({"d_out": [8, 0]}, ConfigError, r"got d_out=\[8, 0\], expected a number"),
        ({"width": 0}, ConfigError, "'width': got 0"),
        (
            {"objective": []},
            ConfigError,
            "got the terms none, expected one or more, each of another kind",
        ),
        (
            {"objective": ["mse", "mse"]},
            ConfigError,
            "got the terms mse, mse, expected one or more, each of another",
        ),
        (
            {"objective": "aux_k"},
            ConfigError,
            "no term of the objective measures reconstruction; add 'mse'",
        ),
        (
            {"objective": "nested_mse"},
            ConfigError,
            "one group of latents, expected nested groups for the term 'nested_mse'",
        ),
        ({"sparsifier": "relu"}, ConfigError, "'relu' needs a sparsity penalty .* such as 'l1'"),
        (
            {"objective": ["mse", {"kind": "l0", "target": 4.0}]},
            ConfigError,
            "expected one whose count of active latents has a gradient",
        ),
        (
            {"objective": ["mse", "gate_mse"]},
            ConfigError,
            "got the sparsifier 'top_k' without gates, .* 'gate_mse'",
        ),
        ({"encoder": "tied", "d_out": 16}, ConfigError, "a tied encoder reads with the atoms"),
        (
            {"encoder": LinearEncoder(16, 32)},
            ConfigError,
            "has width 32 and the decoder",
        ),
        (
            {"decoder": UnitNormDecoder(64, 8)},
            ConfigError,
            "the encoder reads 16 dimensions and the decoder has 8, .*d_out. in compose",
        ),
        (
            {"decoder": UnitNormDecoder(64, 8), "d_out": 9},
            ConfigError,
            r"got output sites of \[9\] dimensions, expected 8 \(decoder\)",
        ),
        (
            {"encoder": LinearEncoder(15, 64), "decoder": UnitNormDecoder(64, 15)},
            ConfigError,
            r"got input sites of \[16\] dimensions, expected 15 \(encoder\)",
        ),
        (
            {"skip": LinearSkip(16, 8)},
            ConfigError,
            "the skip connection maps 16 dimensions to 8, the dictionary 16 to 16",
        ),
    ],
)
def test_nonsense_is_refused_with_the_reason(own, error, text):
    with pytest.raises(error, match=text):
        composed(**own)


def test_what_is_no_part_is_refused():
    with pytest.raises(ConfigError, match=r"got 3 as encoder, expected a component, its kind"):
        Encoder.from_description(3, {})


def test_what_a_source_cannot_give_is_refused_before_training(tmp_path):
    x = planted(200)
    contrast = composed(
        decoder={"kind": "unit_norm", "groups": [16, 64]},
        objective=["nested_mse", "temporal_contrastive"],
    )
    with pytest.raises(DataError, match="order of time, and a tensor of shape"):
        st.train(contrast, x, out=tmp_path / "a", rows=64, batch=32, show=False)
    across = composed(d_out=8, name="across")
    with pytest.raises(DataError, match=r"'across' needs target, which .* sparsetime.paired_sites"):
        st.train(across, x, out=tmp_path / "b", rows=64, batch=32, show=False)
    with pytest.raises(DataError, match="across needs target, which the batch does not give"):
        across.forward_train(x)
    fields = {"x": x, "target": x[:, :9]}
    with pytest.raises(MismatchError, match=r"writes activations of width 8, .* has width 9"):
        st.train(across, fields, out=tmp_path / "c", rows=64, batch=32, show=False)
    assert not list(tmp_path.iterdir())
