"""The recall testbed: its sequences, a model trained on it, and the store of its activations."""

import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError, StoreError, UnknownNameError
from sparsetime.testbeds.recall.sequences import ROLES
from sparsetime.training.run_folder import read_metrics

TASK = st.testbeds.RecallTask(length=32, pairs=2, keys=4, values=4, noise=4)
SMALL = {"task": TASK.model_dump(), "steps": 30, "batch": 8, "d": 8, "sequences": 4}


def test_every_query_is_answered_by_what_was_planted():
    task = TASK.model_copy(update={"queries": 2})
    batch = st.testbeds.recall_sequences(task, 50)
    assert batch.symbols.max() < task.vocabulary
    assert (batch.is_query.sum(1) == 4).all()
    for symbols, role, lag in zip(batch.symbols, batch.role, batch.lag, strict=True):
        steps = {name: (role == number).nonzero()[:, 0] for number, name in enumerate(ROLES)}
        assert len(set(symbols[steps["key"]].tolist())) == 2
        assert steps["value"].max() < 16 <= steps["query"].min()
        assert torch.equal(steps["key"] + 1, steps["value"])
        source = steps["query"] - lag[steps["query"]]
        assert torch.equal(symbols[source], symbols[steps["query"]])
        assert torch.equal(symbols[source + 1], symbols[steps["query"] + 1])
        assert (symbols[steps["noise"]] >= 8).all()
    assert torch.equal(batch.answers, batch.symbols.roll(-1, 1)[batch.is_query])


def test_parts_and_steps_have_different_sequences():
    first, again, later, held_out = (
        st.testbeds.recall_sequences(TASK, 4, 0, *which).symbols
        for which in (("training", 0), ("training", 0), ("training", 1), ("held out", 0))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, held_out)


def test_a_model_learns_from_answers_and_its_activations_have_roles(tmp_path):
    mixer = {"kind": "attention", "heads": 2}
    bed = st.testbed("recall", tmp_path / "bed", progress=False, mixer=mixer, **SMALL)
    lines = read_metrics(str(tmp_path / "bed" / "model"))
    assert lines[-1]["step"] == 30
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert bed.labels == ("role", "symbol")
    assert bed.store.d == 8
    assert len(bed.store) == 4 * 32
    roles = bed.store.sequence(0).steps["role"].to_pylist()
    assert roles.count("query") == 2
    scores = st.testbeds.recall_accuracy(bed.model.model, TASK, sequences=20)
    assert scores.keys() == {"accuracy", "chance", "near", "far"}
    assert scores["chance"] == 0.25
    again = st.testbed("recall", tmp_path / "bed", progress=False, mixer=mixer, **SMALL)
    assert again.model.revision_or_hash == bed.model.revision_or_hash


def test_a_sweep_has_a_row_for_every_mixer_and_number_of_pairs(tmp_path):
    mixers = {"window": {"kind": "attention", "heads": 2, "window": 3}, "gru": "rnn"}
    small = {"steps": 2, "batch": 4, "d": 8, "out": tmp_path, "progress": False}
    table = st.sweep_recall(mixers, pairs=(1, 2), **small)
    assert table["mixer"].to_pylist() == ["window", "gru"] * 2
    assert table["pairs"].to_pylist() == [1, 1, 2, 2]
    assert table["state"].to_pylist() == [16 + 2 * 17, 16 + 8] * 2
    assert st.sweep_recall(mixers, pairs=(1, 2), **small).equals(table)
    with pytest.raises(ConfigError, match="got no mixers, expected at least one"):
        st.sweep_recall({})
    with pytest.raises(ConfigError, match="got seed, task for every model of the sweep"):
        st.sweep_recall(mixers, seed=1, task={})
    with pytest.raises(ConfigError, match=r"settings of the sweep: .*stepz"):
        st.sweep_recall(mixers, stepz=1)


def test_a_folder_of_another_model_is_refused(tmp_path):
    settings = st.testbeds.RecallSettings(task=TASK, steps=2, batch=4, d=8)
    own, other = (torch.nn.Embedding(12, size) for size in (12, 13))
    st.testbeds.train_recall(tmp_path, settings, False, model=own)
    st.testbeds.train_recall(tmp_path, settings, False, model=torch.nn.Embedding(12, 12))
    for model in (other, None):
        with pytest.raises(StoreError, match="holds another training run: its model differ"):
            st.testbeds.train_recall(tmp_path, settings, False, model=model)


def test_a_mixer_of_a_sweep_is_refused_before_any_is_trained(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown mixer 'atention'"):
        st.sweep_recall({"gru": "rnn", "full": "atention"}, pairs=(1,), out=tmp_path / "s")
    assert not list((tmp_path / "s").glob("gru*"))


def test_a_sweep_measures_on_as_many_sequences_as_are_asked_for():
    small = {"pairs": (1,), "steps": 2, "batch": 4, "d": 8, "progress": False}
    few = st.sweep_recall({"gru": "rnn"}, sequences=3, **small)
    assert few["accuracy"][0].as_py() * 3 == pytest.approx(round(few["accuracy"][0].as_py() * 3))


def test_a_task_that_does_not_fit_and_an_unknown_mixer_are_errors():
    with pytest.raises(ConfigError, match="expected a length of at least 16"):
        st.testbed("recall", task={"length": 12, "pairs": 4})
    with pytest.raises(ConfigError, match="expected at most keys=2 pairs"):
        st.testbed("recall", task={"keys": 2})
    with pytest.raises(UnknownNameError, match="unknown mixer 'atention'"):
        st.testbed("recall", mixer="atention", steps=1)
