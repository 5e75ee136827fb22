"""st.pretrain: every recipe trains, resumes to the same bits, and opens as a model."""

import numpy as np
import pytest
import torch
from interruptions import interrupted_at
from typer.testing import CliRunner

import sparsetime as st
from sparsetime import seeds
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DataError, StoreError, UnknownNameError
from sparsetime.registry import CARDS
from sparsetime.sequence_models.serialise import load

RECIPES = [card.name for card in st.recipes(kind="pretraining")]
QUIET = {"batch": 4, "show": False, "log_every": 1}
CLIPS = {"height": 16, "width": 16}


def objective_of(name, **settings):
    """Small patches, so that short sequences have several."""
    small = {"patch": 4, "layers": 1, "frames": 2, "pixels": 4, "length": 4, "share": 0.5}
    taken = {key: value for key, value in small.items() if key in CARDS[name].defaults}
    return st.pretraining_objective(name, **{**taken, **settings})


def data_of(objective, count=6):
    """Waves of two channels, or frames for a view of clips."""
    generator = seeds.torch_generator(0, "random inputs")
    if objective.model["view"] == "values" or objective.model["view"]["kind"] != "tubes":
        phase = 6 * torch.rand(count, 1, 2, generator=generator)
        return (torch.arange(48.0)[:, None] / 3 + phase).sin()
    return torch.rand(count, 6, 16, 16, 3, generator=generator)


def encoder_of(objective, d=8, seed=0):
    is_clips = isinstance(objective.model["view"], dict) and "tubes" in str(objective.model)
    return objective.encoder(d=d, seed=seed, **(CLIPS if is_clips else {"d_in": 2}))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_learns_resumes_to_the_same_bits_and_opens_as_a_model(name, tmp_path):
    objective = objective_of(name)
    data, settings = data_of(objective), {**QUIET, "steps": 6, "checkpoint_every": 2}
    net = encoder_of(objective)
    before = net.encode(data)
    whole = st.pretrain(net, data, objective, out=tmp_path / "whole", **settings)
    assert whole.model is net
    assert not torch.equal(net.encode(data), before)
    assert all(np.isfinite(line["loss"]) for line in whole.metrics)
    assert len(whole.metrics) == 6

    cut = encoder_of(objective)
    with interrupted_at(5):
        st.pretrain(cut, data, objective, out=tmp_path / "cut", **settings)
    resumed = st.pretrain(encoder_of(objective), data, objective, out=tmp_path / "cut", **settings)
    opened = load(tmp_path / "cut")
    for model in (resumed.model, opened):
        assert torch.equal(model.encode(data), net.encode(data))
    assert [line["loss"] for line in resumed.metrics] == [line["loss"] for line in whole.metrics]
    assert opened.provenance["pretraining"]["objective"]["name"] == name
    again = st.pretrain(encoder_of(objective), data, objective, out=tmp_path / "cut", **settings)
    assert torch.equal(again.model.encode(data), net.encode(data))


@pytest.mark.parametrize("name", RECIPES)
def test_the_card_names_what_the_objective_is_made_of(name):
    card = CARDS[name]
    assert card.components["term"]
    assert card.needs == frozenset()
    assert st.pretraining_objective(name).name == name


def test_training_lowers_the_loss_of_masked_patches(tmp_path):
    objective = objective_of("masked_patches")
    run = st.pretrain(
        encoder_of(objective, d=16), data_of(objective, 16), objective, out=tmp_path,
        steps=80, learning_rate=1e-2, **QUIET,
    )  # fmt: skip
    losses = [line["loss"] for line in run.metrics]
    assert np.mean(losses[-20:]) < 0.85 * np.mean(losses[:20])


def test_terms_are_composed_weighted_and_logged(tmp_path):
    net = st.compose_model({"kind": "patches", "size": 4}, "bidirectional_attention", d=8, d_in=2)
    terms = ["rebuild", {"kind": "variance", "weight": 0.5}, {"kind": "rebuild", "dropped": 0.5}]
    data = data_of(objective_of("masked_patches"))
    run = st.pretrain(net, data, terms, out=tmp_path, steps=2, **QUIET)
    line = run.metrics[-1]
    parts = [line[f"loss_{name}"] for name in ("rebuild_0", "variance", "rebuild_1")]
    assert line["loss"] == pytest.approx(sum(parts), abs=1e-5)


def test_sequences_of_other_lengths_documents_and_stores_are_read(tmp_path):
    net = st.compose_model("values", "rnn", d=8, d_in=2)
    long, short = torch.randn(30, 2), torch.randn(12, 2)
    documents = [st.Document("a", values=long), st.Document("b", values=short)]
    run = st.pretrain(net, documents, "ts2vec", out=tmp_path / "d", window=10, steps=2, **QUIET)
    assert run.metrics[-1]["rows"] == 8
    store = st.capture(run.path, documents, "blocks.0", tmp_path / "s", progress=False)
    above = st.compose_model("values", "conv", d=8, d_in=8)
    st.pretrain(above, store, "ts2vec", out=tmp_path / "t", window=10, steps=2, **QUIET)
    single = st.compose_model("values", "conv", d=8, d_in=1)
    st.pretrain(single, torch.randn(4, 15), "ts2vec", out=tmp_path / "v", steps=1, **QUIET)
    symbols = st.compose_model("symbols", "attention", d=8, vocabulary=5)
    st.pretrain(
        symbols, torch.arange(60).reshape(4, 15) % 5, "ts2vec", out=tmp_path / "u", steps=1, **QUIET
    )


def test_a_captured_patch_keeps_its_true_start_and_duration(tmp_path):
    objective = objective_of("masked_patches")
    run = st.pretrain(
        encoder_of(objective), data_of(objective), objective, out=tmp_path / "m", steps=1, **QUIET
    )
    document = st.Document("a", values=torch.randn(48, 2), start=10.0, step=0.5, unit="second")
    store = st.capture(run.path, [document], "blocks.0", tmp_path / "s", progress=False)
    row = store.sequences.to_pylist()[0]
    assert (row["length"], row["start"], row["step"]) == (12, 10.0, 2.0)


def test_what_cannot_be_trained_is_refused_in_words_before_a_folder_is_written(tmp_path):
    net = st.compose_model("values", "rnn", d=8, d_in=2)
    x = torch.randn(4, 20, 2)

    def refused(error, match, model=net, data=x, objective="ts2vec", **settings):
        with pytest.raises(error, match=match):
            st.pretrain(
                model, data, objective, out=tmp_path / "no", **{**QUIET, "steps": 1, **settings}
            )
        assert not (tmp_path / "no" / "training.json").exists()

    refused(ConfigError, "whose vectors hold no position, expected one", objective="masked_patches")
    refused(
        UnknownNameError, "unknown recipe 'ts2vecc': did you mean 'ts2vec'", objective="ts2vecc"
    )
    refused(
        ConfigError, "of kind 'dictionary', expected one of kind 'pretraining'", objective="topk"
    )
    refused(UnknownNameError, "pretraining_term 'mask': did you mean 'masked'", objective=["mask"])
    refused(ConfigError, "got no terms, expected at least one", objective=[])
    refused(ConfigError, "got GRU as model, expected a SequenceModel", model=torch.nn.GRU(2, 2))
    refused(ConfigError, "unknown key 'step'; did you mean 'steps'", step=3)
    lengths = [x[0], x[0, :9]]
    refused(DataError, "of 9 to 20 steps, expected equal lengths; give window=9", data=lengths)
    refused(DataError, "of 9 steps, expected at least window=10", data=lengths, window=10)
    refused(DataError, "got the text 'a', expected values", data=[st.Document("a", text="b")])
    refused(DataError, r"got sequences of 2 kinds", data=[x[0], torch.randn(20, 3)])
    bad = x.clone()
    bad[1, 3] = torch.nan
    refused(DataError, "not finite at step", data=bad, objective=["rebuild"])
    no_steps = {"kind": "hierarchical_contrast", "pair": {"kind": "clips", "length": 4}}
    one, contrast = x[:1], {"kind": "contrast"}
    for term in (contrast, "feature_prediction", "variance"):
        refused(DataError, "got a batch of one sequence for the term", data=one, objective=[term])
    patches = st.compose_model({"kind": "patches", "size": 4, "stride": 2}, "conv", d=8, d_in=2)
    for term in ("masked", "denoise", "hierarchical_contrast"):
        refused(ConfigError, "got overlapping patches", model=patches, objective=[term])
    sensors = st.compose_model({"kind": "channel_patches", "size": 4}, "conv", d=8, d_in=2)
    refused(ConfigError, "got 2 vectors at each time", model=sensors, objective=["denoise"])
    symbols = st.compose_model("symbols", "rnn", d=8, vocabulary=5)
    noisy = {"kind": "clips", "length": 4, "noise": 0.1}
    for pair in ("copies", "complementary", noisy):
        refused(
            DataError, "got symbols for pairs", model=symbols, data=torch.zeros(4, 8).long(),
            objective=[{**contrast, "pair": pair}],
        )  # fmt: skip
    refused(ConfigError, "without common steps, expected two contexts", objective=no_steps)
    with pytest.raises(ConfigError, match=r"got teacher=1\.0, expected the share"):
        st.compose_objective("rebuild", teacher=1.0)
    for weight in (-1, float("inf"), float("nan"), True):
        with pytest.raises(ConfigError, match=f"got weight={weight}, expected a number of at"):
            st.compose_objective({"kind": "rebuild", "weight": weight})
    with pytest.raises(ConfigError, match="which names no model, expected one of a recipe"):
        st.compose_objective("rebuild").encoder(d_in=2)


def test_a_folder_of_another_run_is_refused(tmp_path):
    x, settings = torch.randn(4, 20, 2), {**QUIET, "out": tmp_path, "steps": 1}
    st.pretrain(st.compose_model("values", "rnn", d=8, d_in=2), x, "ts2vec", **settings)
    other = st.compose_model("values", "rnn", d=8, d_in=2)
    with pytest.raises(StoreError, match="another training run: its data differ"):
        st.pretrain(other, x + 1, "ts2vec", **settings)
    st.pretrain(other, x + 1, "ts2vec", **{**settings, "force": True})


def test_the_command_trains_a_model_that_capture_opens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arrays").mkdir()
    np.save("arrays/a.npy", np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    words = ["pretrain", "masked_patches", "--data", "arrays", "--out", "run", "--d", "8"]
    more = ["--steps", "2", "--window", "32", "--set", "objective.patch=4", "--set", "batch=2"]
    result = CliRunner().invoke(app, [*words, *more])
    assert result.exit_code == 0, result.output
    assert "after 2 steps" in result.output
    opened = load("run")
    assert opened.view.size == 4
    assert opened.view.settings["d_in"] == 3
    resumed = [*words[:2], "--model", "run", *words[2:4], "--out", "second", *more[:4]]
    assert CliRunner().invoke(app, resumed).exit_code == 0
    refused = CliRunner().invoke(app, [*resumed, "--set", "encoder.layers=2"])
    assert "got --model run and --set encoder.layers" in " ".join(refused.output.split())
