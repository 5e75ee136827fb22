"""Dictionaries kept on the way: at which steps, in which state, and through interruptions."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from interruptions import interrupted_at
from planted import planted

import sparsetime as st
from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder
from sparsetime.training.config import TrainConfig
from sparsetime.training.snapshots import read_snapshots, read_stages

SETTINGS = {"rows": 40 * 64, "batch": 64, "learning_rate": 3e-3, "show": False}
STEPS = [1, 3, 6, 16]  # four of forty


def topk(**settings):
    return st.dictionary(**{"name": "topk", "d_in": 16, "width": 48, "k": 3, **settings})


def same_weights(a, b):
    other = b.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in a.state_dict().items())


@given(steps=some.integers(1, 10**7), share=some.floats(0, 1))
def test_steps_are_spaced_as_a_logarithm_and_end_before_the_last(steps, share):
    snapshots = min(round(share * (steps - 1)), 200)
    found = TrainConfig(rows=steps, batch=1, snapshots=snapshots).snapshot_steps
    assert len(found) == snapshots
    assert all(1 <= step < steps for step in found)
    assert list(found) == sorted(set(found))


def test_steps_grow_by_one_factor():
    config = TrainConfig(rows=1_000_000, batch=1, snapshots=6)
    assert config.snapshot_steps == (1, 10, 100, 1_000, 10_000, 100_000)
    assert TrainConfig().snapshot_steps == ()


def test_more_snapshots_than_steps_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'snapshots': got 40, expected at most 39: 2,560 row"):
        st.train(topk(), planted(800), out=tmp_path / "x", **SETTINGS, snapshots=40)
    assert not Path(tmp_path / "x").exists()


def test_a_run_gives_its_snapshots_in_order(tmp_path):
    x = planted(800)
    run = st.train(topk(), x, out=tmp_path, **SETTINGS, snapshots=4)
    assert [(each.step, each.rows) for each in run.snapshots] == [(s, 64 * s) for s in STEPS]
    errors = [(each.load()(x) - x).square().mean() for each in run.snapshots]
    errors.append((run.dictionary(x) - x).square().mean())
    assert errors[-1] < errors[-2] < errors[0]
    assert run.snapshots[2].path == f"{tmp_path}/snapshots/000006"
    assert not run.snapshots[0].load().training
    stages = read_stages(str(tmp_path))
    assert stages[:-1] == run.snapshots
    assert (stages[-1].step, stages[-1].rows) == (40, 2560)
    assert same_weights(stages[-1].load(), run.dictionary)


def test_snapshots_change_nothing_of_the_training(tmp_path):
    with_some = st.train(topk(), planted(800), out=tmp_path / "a", **SETTINGS, snapshots=4)
    without = st.train(topk(), planted(800), out=tmp_path / "b", **SETTINGS)
    assert same_weights(with_some.dictionary, without.dictionary)
    assert without.snapshots == ()
    assert read_stages(without.path) == ()


def test_a_run_that_resumes_keeps_the_same_snapshots(tmp_path):
    settings = {**SETTINGS, "checkpoint_every": 10, "snapshots": 12}
    whole = st.train(topk(), planted(800), out=tmp_path / "whole", **settings)
    cut = str(tmp_path / "cut")
    with interrupted_at(27):
        st.train(topk(), planted(800), out=cut, **settings)
    before = [each.step for each in read_snapshots(cut)]
    assert any(20 < step <= 27 for step in before)
    with interrupted_at(21):
        st.train(topk(), planted(800), out=cut, **settings)
    # It stands at the checkpoint of step 20, and what came after is to be done again.
    assert [each.step for each in read_snapshots(cut)] == [s for s in before if s <= 20]
    resumed = st.train(topk(), planted(800), out=cut, **settings)
    assert len(resumed.snapshots) == 12
    for one, other in zip(resumed.snapshots, whole.snapshots, strict=True):
        assert one.step == other.step
        assert same_weights(one.load(), other.load())


def test_force_removes_the_snapshots_of_the_run_before(tmp_path):
    st.train(topk(), planted(800), out=tmp_path, **SETTINGS, snapshots=4)
    with pytest.raises(StoreError, match="its config differ"):
        st.train(topk(), planted(800), out=tmp_path, **SETTINGS, snapshots=2)
    run = st.train(topk(), planted(800), out=tmp_path, **SETTINGS, snapshots=2, force=True)
    assert [each.step for each in run.snapshots] == [1, 6]
    run = st.train(topk(), planted(800), out=tmp_path, **SETTINGS, force=True)
    assert run.snapshots == ()
    assert not Path(tmp_path, "snapshots").exists()


def test_a_half_written_snapshot_is_none(tmp_path):
    run = st.train(topk(), planted(800), out=tmp_path, **SETTINGS, snapshots=4)
    Path(run.snapshots[1].path, "dictionary.json").unlink()
    assert [each.step for each in run.snapshots] == [1, 6, 16]


def test_a_run_from_before_there_were_snapshots_is_still_known(tmp_path):
    folder = Folder(str(tmp_path))
    st.train(topk(), planted(800), out=tmp_path, **SETTINGS)
    settings = folder.read_json("training.json")
    del settings["config"]["snapshots"]
    folder.write_json("training.json", settings)
    assert st.train(topk(), planted(800), out=tmp_path, **SETTINGS).metrics[-1]["step"] == 40


def test_snapshots_of_several_and_behind_a_url(tmp_path):
    url = f"memory://{tmp_path.name}/runs"
    members = [topk(), topk(name="batch_topk")]
    runs = st.train(members, planted(800), out=url, **SETTINGS, snapshots=2)
    for run in runs:
        assert [each.step for each in run.snapshots] == [1, 6]
        assert run.snapshots[1].load().name == run.dictionary.name
