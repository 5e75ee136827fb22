"""The history of features: known snapshots with known answers, real ones against brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from known_codes import make_store
from small_run import prose, write_store

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, MismatchError
from sparsetime.features import history
from sparsetime.features.build_index import index
from sparsetime.features.index import open_index
from sparsetime.files import Folder

E = torch.eye(3)
TEXTS = ["sun sun sea sea", "sky sea"]
ROWS = [[E[0], E[0], E[1], E[1]], [E[2], E[1]]]


def reader(reads, atoms):
    """A dictionary that fires latent i where the activation is nearest to `reads[i]`."""
    sae = st.dictionary("topk", d_in=3, width=3, k=1)
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.stack(reads))
        sae.encoder.bias.zero_()
        sae.decoder.weight.copy_(torch.stack(atoms))
        sae.decoder.bias.zero_()
    return sae


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", [torch.stack(s) for s in ROWS], texts=TEXTS)


@pytest.fixture
def run(tmp_path):
    """A run whose first two latents read each other's words after step 2 of 10."""
    folder = Folder(str(tmp_path / "run"))
    folder.write_json("training.json", {"config": {"rows": 95, "batch": 10}})
    half = torch.tensor([0.5, 0.0, 0.75**0.5])
    then = reader([E[1], E[0], E[2]], [half, torch.zeros(3), -E[2]])
    then.save(folder.url + "/snapshots/000002")
    sae = reader(list(E), list(E))
    sae.save(folder.url)
    return sae, folder


def rows_of(made, feature):
    return made.history(feature).to_pylist()


def test_a_known_history(run, store):
    sae, folder = run
    made = index(sae, store, out=folder.url + "/features", progress=False)
    assert made.record["history"] == {"stages": [2, 10], "steps": 6}
    first, last = rows_of(made, 0)
    assert first == {
        "feature": 0, "step": 2, "rows": 20, "cosine": pytest.approx(0.5), "overlap": 0.0,
        "density": 3 / 6, "dwell": 1.5, "words": ["sea"],
    }  # fmt: skip
    assert last == {
        "feature": 0, "step": 10, "rows": 100, "cosine": 1.0, "overlap": 1.0,
        "density": 2 / 6, "dwell": 2.0, "words": ["sun"],
    }  # fmt: skip
    # An atom without length has no direction; one that points the other way is far.
    assert rows_of(made, 1)[0]["cosine"] is None
    assert rows_of(made, 2)[0]["cosine"] == pytest.approx(-1)
    assert [row["overlap"] for row in rows_of(made, 2)] == [1.0, 1.0]
    with pytest.raises(ConfigError, match="feature 3 does not exist"):
        made.history(3)


def test_overlap_counts_steps_of_either(tmp_path):
    """It fired on sun and sea, and fires on sea and sky: one word of three in common."""
    folder = Folder(str(tmp_path / "run"))
    folder.write_json("training.json", {"config": {"rows": 4, "batch": 1}})
    never, other = -E[0] - E[1] - E[2], torch.zeros(3)
    reader([E[0] + E[1], E[2], never], [E[0], E[1], E[2]]).save(folder.url + "/snapshots/000001")
    sae = reader([E[1] + E[2], E[0], never], [E[0], E[1], E[2]])
    sae.save(folder.url)
    store = make_store(tmp_path / "store", [torch.stack([E[0], E[1], E[2], other])])
    made = index(sae, store, out=folder.url + "/features", progress=False)
    assert [row["overlap"] for row in rows_of(made, 0)] == [pytest.approx(1 / 3), 1.0]
    silent = rows_of(made, 2)
    assert [row["overlap"] for row in silent] == [None, None]
    assert [(row["density"], row["dwell"], row["words"]) for row in silent] == [(0, None, None)] * 2


@pytest.mark.parametrize("name", ["topk", "delta", "temporal_feature_analysis", "itda"])
def test_the_end_of_a_history_is_the_index_and_the_rest_is_as_encoded(name, tmp_path):
    """The whole store is looked at, where it is small."""
    store = write_store(tmp_path / "store", [prose(n, 12) for n in range(3)])
    own = {"predicted": 2, "inner": 4, "past": 8} if name == "temporal_feature_analysis" else {}
    sae = st.dictionary(name, d_in=16, width=24, k=2, **own)
    settings = {"rows": 20 * 64, "batch": 64, "snapshots": 2, "show": False}
    run = st.train(sae, store, out=tmp_path / "run", **settings)
    made = index(run.dictionary, store, out=tmp_path / "run" / "features", progress=False)
    table = made._folder.path("history.parquet")
    assert table.exists()
    whole = made.features.to_pylist()
    sequences = [store.sequence(i).values for i in range(3)]

    def fired(sae):
        return torch.cat([sae.encode(x).dense() != 0 for x in sequences])

    at_end = fired(run.dictionary)
    for stage, snapshot in enumerate(run.snapshots):
        then = snapshot.load()
        here = fired(then)
        overlap = (here & at_end).sum(0) / (here | at_end).sum(0)
        cosine = torch.cosine_similarity(then.atoms, run.dictionary.atoms)
        for feature in range(24):
            row = rows_of(made, feature)[stage]
            assert (row["step"], row["rows"]) == (snapshot.step, snapshot.rows)
            assert row["density"] == pytest.approx(here[:, feature].double().mean().item())
            assert (row["overlap"] is None) == bool(overlap[feature].isnan())
            assert row["overlap"] is None or row["overlap"] == pytest.approx(overlap[feature])
            if then.atoms[feature].norm() > 0:
                assert row["cosine"] == pytest.approx(cosine[feature].item(), abs=1e-5)
            else:
                assert row["cosine"] is None
    for feature, known in enumerate(whole):
        last = rows_of(made, feature)[-1]
        for figure in ("density", "dwell"):
            assert last[figure] == (None if known[figure] is None else pytest.approx(known[figure]))
        assert last["words"] == known["words"]
        assert last["overlap"] == (1.0 if known["count"] else None)


def test_the_sample_is_of_whole_sequences_and_bounded(tmp_path, monkeypatch):
    store = make_store(tmp_path / "s", [np.full((n, 1), n) for n in (5, 9, 4, 7)])
    everything = history.sample(store, width=8)
    assert sorted(map(len, everything)) == [4, 5, 7, 9]
    assert [one.id for one in history.sample(store, width=8)] == [one.id for one in everything]
    monkeypatch.setattr(history, "STEPS", 15)
    some = history.sample(store, width=8)
    assert sum(map(len, some)) == 15
    assert [len(one) == one.values[0, 0] for one in some].count(False) <= 1
    assert all(len(one.values) == len(one) == one.steps.num_rows for one in some)
    monkeypatch.setattr(history, "_CELLS", 32)
    assert sum(map(len, history.sample(store, width=8))) == 4


def test_an_index_that_lacks_the_history_gets_it(run, store):
    sae, folder = run
    kept = Path(folder.url, "snapshots").rename(Path(folder.url, "aside"))
    out = folder.url + "/features"
    made = index(sae, store, out=out, progress=False)
    assert made.history(0).num_rows == 0
    assert "history" not in made.record
    kept.rename(Path(folder.url, "snapshots"))
    before = Path(out, "codes.parquet").stat().st_mtime_ns
    made = index(sae, store, out=out, progress=False)
    assert made.history(0).num_rows == 2
    assert open_index(out).history(0).num_rows == 2
    assert Path(out, "codes.parquet").stat().st_mtime_ns == before
    stamp = Path(out, "history.parquet").stat().st_mtime_ns
    index(sae, store, out=out, progress=False)
    assert Path(out, "history.parquet").stat().st_mtime_ns == stamp
    # Trained again with other snapshots: the same weights, another history.
    reader(list(E), list(E)).save(folder.url + "/snapshots/000005")
    made = index(sae, store, out=out, progress=False)
    assert made.history(0)["step"].to_pylist() == [2, 5, 10]
    index(sae, store, out=out, force=True, progress=False)
    assert open_index(out).record["history"]["stages"] == [2, 5, 10]


def test_an_index_elsewhere_is_given_the_run(run, store, tmp_path):
    sae, folder = run
    alone = index(sae, store, out=tmp_path / "alone", progress=False)
    assert alone.history(0).num_rows == 0
    elsewhere = index(sae, store, out=tmp_path / "elsewhere", run=folder.url, progress=False)
    assert elsewhere.history(0).num_rows == 2
    other = reader([E[2], E[1], E[0]], list(E))
    with pytest.raises(
        MismatchError, match="holds a dictionary of other weights or settings than the one to"
    ):
        index(other, store, out=tmp_path / "other", run=folder.url, progress=False)
    assert not (tmp_path / "other").exists()
    # Beside a run it belongs to none, and so has no history.
    beside = index(other, store, out=folder.url + "/other", progress=False)
    assert beside.history(0).num_rows == 0


def test_a_damaged_history_is_named(run, store):
    sae, folder = run
    out = folder.url + "/features"
    index(sae, store, out=out, progress=False)
    with Path(out, "history.parquet").open("ab") as file:
        file.write(b"more")
    with pytest.raises(DamagedError, match=r"history\.parquet has .* bytes where"):
        open_index(out)
    Path(out, "history.parquet").unlink()
    with pytest.raises(DamagedError, match=r"history\.parquet is missing"):
        open_index(out)


def test_the_command_finds_the_run(run, store, tmp_path):
    from typer.testing import CliRunner

    from sparsetime.cli import app

    _, folder = run
    out = str(tmp_path / "elsewhere")
    arguments = ["index", "--dictionary", folder.url, "--store", store.path, "--out", out]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    record = json.loads(Path(out, "index.json").read_text())
    assert record["history"]["stages"] == [2, 10]
