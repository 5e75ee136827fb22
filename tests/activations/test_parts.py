"""Captures in parts, joined, are the capture by one process; other stores stand one by one."""

import shutil
from pathlib import Path

import edited
import numpy as np
import pytest
import torch
from small_store import values_of, write_store
from toy_models import Blocks
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.activations import StepExclusion
from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DamagedError, DataError, MismatchError, StoreError
from sparsetime.explorer.run_contents import readable, store_names
from sparsetime.files import Folder

OPTIONS = {"window": 7, "overlap": 2, "batch": 3, "shard_rows": 16, "progress": False}


def documents():
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(n, 3, generator=generator) for n in (9, 20, 3, 0, 7, 12, 1, 30, 5)]
    return [
        st.Document(
            f"d{i}",
            values=x,
            labels={"kind": i % 2},
            step_labels={"half": [t % 2 for t in range(len(x))]},
        )
        for i, x in enumerate(values)
    ]


def capture(out, data=None, site="enter", **options):
    with pytest.warns(UserWarning, match="1 documents have no steps"):
        return st.capture(Blocks(), data or documents(), site, out, **OPTIONS, **options)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """One capture of all documents, and two parts of it, joined out of order."""
    root = tmp_path_factory.mktemp("both")
    whole = capture(root / "whole")
    first = st.capture(Blocks(), documents(), "enter", root / "joined", part=(0, 2), **OPTIONS)
    last = capture(root / "joined", iter(documents()), part=(1, 2))
    assert first.path.endswith("joined/parts/0")
    return whole, st.join([last, first.path], root / "joined")


def test_a_join_is_one_capture_of_the_same_documents(both):
    whole, joined = both
    assert joined.sequences.equals(whole.sequences)
    assert joined.steps().equals(whole.steps())
    torch.testing.assert_close(joined.read(0, len(whole)), whole.read(0, len(whole)))
    assert (joined.site, joined.d, joined.unit) == (whole.site, whole.d, whole.unit)
    for left, right in zip(whole.split(0.3, seed=1), joined.split(0.3, seed=1), strict=True):
        assert left.sequences.equals(right.sequences)
        for mine, theirs in zip(left.rows(8, seed=2), right.rows(8, seed=2), strict=True):
            torch.testing.assert_close(mine, theirs)
    few = whole.segments.rows * whole.d  # bytes: a buffer that does not hold all rows
    for mine, theirs in zip(whole.rows(8, memory=few), joined.rows(8, memory=few), strict=True):
        torch.testing.assert_close(mine, theirs)
    assert joined.sequence(3).labels == {"kind": 0}
    assert joined.where(kind=1).sequences["id"].to_pylist() == ["d1", "d5", "d7"]
    joined.verify()


def test_a_dictionary_trained_on_it_is_evaluated_and_indexed(both, tmp_path):
    _, joined = both
    sae = st.dictionary("topk", d_in=8, width=16, k=2)
    run = st.train(sae, joined, out=tmp_path / "sae", rows=100, batch=20, show=False)
    report = st.evaluate(run.dictionary, joined, ["fvu"], progress=False)
    assert report.about["seen_in_training"] == 1.0
    index = st.index(run.dictionary, joined, out=tmp_path / "sae/features", progress=False)
    assert index.sequence(7).rows == 5
    shutil.copytree(Path(joined.path), tmp_path / "activations")
    shown = readable(Folder(str(tmp_path)), ["sae"], lambda: None)
    assert shown.notes == [] and [one.entry.key for one in shown.shown] == ["sae"]


def test_the_explorer_shows_a_joined_store_and_no_part_of_it(both, tmp_path):
    shutil.copytree(Path(both[1].path), tmp_path / "run/activations")
    assert store_names(Folder(str(tmp_path / "run"))) == ["activations"]
    assert len(st.open_store(tmp_path / "run/activations")) == len(both[1]), "paths are relative"


def test_other_stores_stand_one_after_another(tmp_path):
    parts = [write_store(tmp_path / name, lengths) for name, lengths in (("b", [4, 9]), ("a", [5]))]
    joined = st.join(parts, tmp_path / "all")
    assert torch.equal(joined.read(0, 18), torch.cat([values_of(13), values_of(5)]))
    assert joined.sequences["length"].to_pylist() == [4, 9, 5]
    assert joined.steps()["sequence"].to_pylist() == [0] * 4 + [1] * 9 + [2] * 5
    assert st.join(parts, tmp_path / "all").fingerprint == joined.fingerprint
    with pytest.raises(StoreError, match=r"all holds another store"):
        st.join(parts[:1], tmp_path / "all")
    assert len(st.join(parts[:1], tmp_path / "all", force=True)) == 13


def test_a_part_that_changed_or_is_missing_is_named(tmp_path):
    parts = [write_store(tmp_path / name, [4, 9]) for name in "ab"]
    joined = st.join(parts, tmp_path / "all")
    with pytest.raises(StoreError, match=r"all joins 2 stores and holds no activations itself"):
        write_store(tmp_path / "all", [4])
    edited.replace(tmp_path / "b/manifest.json", '"model_name": "toy"', '"model_name": "top"')
    with pytest.raises(StoreError, match=r"b was written again since it was joined into .*all"):
        st.open_store(joined.path)
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(DamagedError, match=r"b is missing, and .*all consists of it"):
        st.open_store(joined.path)


def test_what_is_not_alike_or_not_all_is_refused(tmp_path):
    a, other = write_store(tmp_path / "a", [4, 9]), write_store(tmp_path / "c", [4], site="other")
    with pytest.raises(MismatchError, match=r"site is 'layer' in .*a and 'other' in .*c"):
        st.join([a, other], tmp_path / "all")
    parts = [
        st.capture(
            Blocks(), documents()[:3], "enter", tmp_path / "p", part=(r, 3), **OPTIONS
        )
        for r in range(2)
    ]  # fmt: skip
    with pytest.raises(
        MismatchError, match=r"got the parts 0, 1 of a capture in 3 parts, expected"
    ):
        st.join(parts, tmp_path / "p")
    with pytest.raises(ConfigError, match=r"got part=\(3, 3\), expected a part from 0"):
        st.capture(Blocks(), documents(), "enter", tmp_path / "q", part=(3, 3), **OPTIONS)
    with pytest.raises(DataError, match=r"got 2 documents for 3 parts, so part 2 has none"):
        st.capture(Blocks(), documents()[:2], "enter", tmp_path / "q", part=(2, 3), **OPTIONS)
    with pytest.raises(
        StoreError, match=r"a holds a whole store, so it cannot also hold the parts"
    ):
        st.capture(Blocks(), documents(), "enter", tmp_path / "a", part=(0, 2), **OPTIONS)
    with pytest.raises(ConfigError, match=r"got norm_above=9.0 for a part of a capture without no"):
        st.capture(
            Blocks(), documents(), "enter", tmp_path / "q", part=(0, 2),
            exclusion=StepExclusion(norm_above=9.0), **OPTIONS,
        )  # fmt: skip


def test_steps_that_parts_left_out_are_left_out_of_the_join(tmp_path):
    exclusion = StepExclusion(first=1, norm_above=2.0, norm_limit=1.5)
    whole = capture(tmp_path / "whole", exclusion=exclusion)
    parts = [
        st.capture(Blocks(), [d for d in documents() if len(d)], "enter", tmp_path / "p",
                   part=(r, 2), exclusion=exclusion, **OPTIONS)
        for r in (0, 1)
    ]  # fmt: skip
    joined = st.join(parts, tmp_path / "p")
    assert joined.manifest.left_out == whole.manifest.left_out > 8
    assert (joined.stored_steps == whole.stored_steps).all()
    torch.testing.assert_close(
        joined.read(0, len(whole)), whole.read(0, len(whole)), equal_nan=True
    )


def test_the_part_of_a_process_of_torchrun():
    assert CapturePart.of_environment({"RANK": "1", "WORLD_SIZE": "4"}) == (1, 4)
    assert CapturePart.of_environment({"RANK": "0", "WORLD_SIZE": "1"}) is None
    assert CapturePart.of_environment({}) is None


def test_the_command_captures_parts_and_the_last_one_joins(tmp_path, monkeypatch):
    """In the environment of torchrun, which names each process's rank."""
    for i, document in enumerate(documents()[:3]):
        np.save(tmp_path / f"{i}.npy", document.values.numpy())
    blocks, out = f"{Path(__file__).parents[1]}/toy_models.py:Blocks", tmp_path / "out"
    command = ["capture", "--model", blocks, "--data", str(tmp_path), "--out", str(out)]
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (1, 0):
        assert not (out / "enter/manifest.json").exists()
        monkeypatch.setenv("RANK", str(rank))
        ran = CliRunner().invoke(app, [*command, "--site", "enter", "--site", "lstm"])
        assert ran.exit_code == 0, ran.output
    for site in ("enter", "lstm"):
        assert f"out/{site}: 32 steps of 3 sequences" in ran.output
        joined = st.open_store(out / site)
        assert joined.sequences["id"].to_pylist() == ["0", "1", "2"]
        assert joined.sequences["length"].to_pylist() == [9, 20, 3]
