"""A whole leaderboard in small: two recipes, two ks, two seeds on planted features and on code."""

import json
import signal
import time

import edited
import forked
import pytest
import torch

import sparsetime as st
from sparsetime.comparison import leaderboard as module
from sparsetime.comparison import measure as measuring
from sparsetime.comparison.entry import LeaderboardEntry
from sparsetime.comparison.grid import cells, passes
from sparsetime.comparison.leaderboard_files import RECORD, TABLE, Leaderboard
from sparsetime.comparison.settings import LADDER, SMALL, LeaderboardSettings
from sparsetime.comparison.testbed_split import split_testbed
from sparsetime.errors import ConfigError, DamagedError, DataError, StoreError, UnknownNameError
from sparsetime.metrics.temporal.probe_ladder import probe_ladder
from sparsetime.testbeds.atom_recovery import recovery

# No superposition and few features, so that some are found in seconds.
SYNTHETIC = {
    **{"sequences": 20, "time": 200, "d": 16, "width": 12, "active": 3.0, "longest": 50.0},
    **{"families": 2, "children": 2, "pairs": 0, "bidirectional": 0, "circles": 0},
    **{"state_features": 0, "noise": 0.01, "highest_frequency": 0.3, "zipf": 0.0},
}
TINY = {
    "recipes": ["batch_topk", "slow_fast"],
    "widths": [24],
    "ks": [2, 4],
    "seeds": [0, 1],
    "beds": {"synthetic": SYNTHETIC},
    "train": {"rows": 12_000, "batch": 128},
    "ladder": {"synthetic": ["state"]},
}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        return st.leaderboard(tmp_path_factory.mktemp("board") / "run", **TINY, progress=False)


def test_every_cell_of_the_grid_is_measured(board):
    assert [entry.cell for entry in board.entries] == cells(board.settings)
    assert len(board.entries) == 8
    for entry in board.entries:
        assert 0 < entry.metrics["fvu"] < 1
        assert entry.metrics["l0"] == pytest.approx(entry.cell.k, rel=0.5)
        assert 0 <= entry.metrics["recovered"] <= 1
        assert {each.label for each in entry.probes} == {"state"}
        assert entry.seconds > 0
    parts = {each.reader for entry in board.entries for each in entry.probes}
    assert parts == {"code", "slow", "fast"}
    assert {each.reader for each in board.references["synthetic"]} == {
        "activations",
        "random dictionary",
    }


def test_planted_features_are_found_and_counted(board):
    best = max(board.entries, key=lambda entry: entry.metrics["recovered"])
    assert best.metrics["recovered"] >= 0.5
    shares = [(octave.features, octave.recovered) for octave in best.octaves]
    assert sum(count for count, _ in shares) <= 12
    assert sum(count * share for count, share in shares) >= 5
    sae = st.load(f"{board.path}/runs/synthetic/{best.cell.name}")
    bed = st.testbed("synthetic", progress=False, **SYNTHETIC)
    again = recovery(sae.atoms.detach(), bed.truth.atoms).share_recovered
    assert best.metrics["recovered"] == again


def test_figures_are_those_of_evaluate_on_held_out_sequences(board):
    entry = board.entries[-1]
    _, held_out = st.testbed("synthetic", progress=False, **SYNTHETIC).store.split(0.1, seed=0)
    sae = st.load(f"{board.path}/runs/synthetic/{entry.cell.name}")
    report = st.evaluate(sae, held_out, ["fvu", "smoothness", "dwell"], progress=False)
    for name in ("fvu", "smoothness", "dwell", "fvu/slow"):
        assert entry.metrics[name] == pytest.approx(report[name].value)
    assert report.about["seen_in_training"] == 0.0


def test_trained_together_is_trained_alone(board, tmp_path):
    cell = board.entries[0].cell
    bed = st.testbed("synthetic", progress=False, **SYNTHETIC)
    alone = st.train(
        st.dictionary(cell.recipe, d_in=16, width=cell.width, k=cell.k, seed=cell.seed),
        bed.store.split(0.1, seed=0)[0],
        out=tmp_path,
        show=False,
        **TINY["train"],
        seed=cell.seed,
    )
    together = st.load(f"{board.path}/runs/synthetic/{cell.name}")
    assert torch.equal(alone.dictionary.atoms, together.atoms)


def test_an_interrupted_run_resumes_and_a_grid_grows(tmp_path, monkeypatch):
    short = {"rows": 1000, "batch": 100}
    own = {**TINY, "train": short, "ks": [2, 4], "seeds": [0], "progress": False}
    measure, count = module.measure, 0

    def cut_off(*args):
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return measure(*args)

    monkeypatch.setattr(module, "measure", cut_off)
    with pytest.raises(KeyboardInterrupt):
        st.leaderboard(tmp_path, **own)
    assert len(list((tmp_path / "cells/synthetic").iterdir())) == 2
    assert not (tmp_path / RECORD).exists()
    went_on = st.leaderboard(tmp_path, **own)
    assert count == 5  # two of them were known
    assert len(went_on.entries) == 4

    grown = st.leaderboard(tmp_path, **{**own, "ks": [2], "seeds": [1, 0]})
    assert count == 7  # only the new seed
    known = {entry.cell: entry for entry in went_on.entries}
    same = [entry for entry in grown.entries if entry.cell.seed == 0]
    assert same == [known[entry.cell] for entry in same]


KILLED = """
import sparsetime as st
st.leaderboard(given[0], **given[1], progress=False)
"""


def test_a_killed_process_resumes_to_the_same_values(board, tmp_path):
    """Killed for real: first among the measurements of seed 0, then in the training of seed 1."""
    known = {}
    for sign in ("cells/synthetic/*.json", "runs/synthetic/*seed1/*"):
        process = forked.start(KILLED, str(tmp_path), TINY)
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(sign)):
            assert process.exitcode is None, "the process ended before it could be killed"
            assert time.monotonic() < deadline, f"no {sign} within two minutes"
            time.sleep(0.005)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not (tmp_path / RECORD).exists()
        for path, stamp in known.items():
            assert path.stat().st_mtime_ns == stamp
        known = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cells/synthetic/*.json")}
    assert 4 <= len(known) < 8
    went_on = st.leaderboard(tmp_path, **TINY, progress=False)
    for path, stamp in known.items():
        assert path.stat().st_mtime_ns == stamp  # what was measured is not measured again
    same = {"seconds": 0.0}
    assert [entry.model_copy(update=same) for entry in went_on.entries] == [
        entry.model_copy(update=same) for entry in board.entries
    ]


def test_it_is_read_back_as_it_was_written(board):
    import pyarrow.parquet as pq

    assert Leaderboard.open(board.path) == board
    table = pq.read_table(f"{board.path}/{TABLE}")
    assert table.num_rows == 8
    assert table["recipe"].to_pylist().count("slow_fast") == 4
    assert table["fvu"].to_pylist() == [entry.metrics["fvu"] for entry in board.entries]
    assert table["fvu/slow"].null_count == 4  # BatchTopK has no parts


def test_equal_passes_are_those_of_testbed_width_and_seed():
    settings = LeaderboardSettings.model_validate({**TINY, "widths": [48, 24]})
    found = passes(cells(settings))
    assert [len(some) for some in found] == [4] * 4
    assert settings.widths == [24, 48]
    for some in found:
        assert len({(cell.bed, cell.width, cell.seed) for cell in some}) == 1


def test_the_small_one_is_valid_and_every_default_too():
    small = LeaderboardSettings.model_validate(SMALL)
    assert small.baseline in small.recipes and len(small.seeds) == 3
    assert LeaderboardSettings().middle_k == 16
    module._check_recipes(cells(small), small)


@pytest.mark.parametrize(
    ("own", "error", "text"),
    [
        ({"recipes": ["batch_topk", "slowfast"]}, UnknownNameError, "did you mean 'slow_fast'"),
        ({"recipes": ["topk", "slow_fast"]}, ConfigError, "'batch_topk' is not among the recipes"),
        ({"recipes": ["batch_topk"]}, ConfigError, "at least 2"),
        ({"recipes": {"batch_topk": {}, "delta": {"tol": 1}}}, UnknownNameError, "'tol'"),
        ({"recipes": ["batch_topk", "jumprelu"]}, UnknownNameError, "'k'"),
        ({"recipes": ["batch_topk", "transcoder"]}, DataError, "transcoder needs target, which"),
        ({"beds": ["synthetik"]}, UnknownNameError, "did you mean 'synthetic'"),
        ({"beds": {"synthetic": {"tiem": 3}}}, ConfigError, "did you mean 'time'"),
        ({"ladder": {"synthetic": ["stat"]}}, UnknownNameError, "label of the testbed 'synthetic'"),
        ({"beds": {"series": {"step": 300}}}, ConfigError, "did you mean 'steps'"),
        ({"widhts": [3]}, ConfigError, "did you mean 'widths'"),
        ({"widths": [0]}, ConfigError, "greater than 0"),
        ({"ks": []}, ConfigError, "at least 1"),
        ({"seeds": [-1]}, ConfigError, "greater than or equal to 0"),
        ({"held_out": 1.5}, ConfigError, "less than 1"),
        ({"train": {"row": 5}}, ConfigError, "did you mean 'rows'"),
    ],
)
def test_what_cannot_be_is_refused_before_any_training(tmp_path, monkeypatch, own, error, text):
    monkeypatch.setattr(module, "train", None)
    with pytest.raises(error, match=text):
        st.leaderboard(tmp_path / "run", **{**TINY, **own}, progress=False)
    assert not (tmp_path / "run").exists()


def test_cells_of_other_terms_are_refused(board):
    with pytest.raises(StoreError, match=r"made with another train; cells are compared on equal"):
        st.leaderboard(board.path, **{**TINY, "train": {"rows": 500}}, progress=False)


def test_terms_are_as_their_json_also_where_settings_are_tuples():
    """Else a cell would be refused as of other terms when the leaderboard is repeated."""
    nested = {"matryoshka_batch_topk": {"fractions": (0.5, 1.0)}, "batch_topk": {}}
    train = {"lag": (1, 2), "exclude_tokens": (3,)}
    settings = LeaderboardSettings.model_validate({**TINY, "recipes": nested, "train": train})
    for cell in cells(settings):
        terms = module.terms(cell, settings)
        assert terms == json.loads(json.dumps(terms))
        assert terms["train"]["lag"] == [1, 2]


def test_damaged_records_are_named(tmp_path):
    with pytest.raises(StoreError, match=f"holds no {RECORD}; sparsetime.leaderboard writes one"):
        Leaderboard.open(str(tmp_path))
    (tmp_path / RECORD).write_text(json.dumps({"schema_version": 1, "settings": {}}))
    with pytest.raises(DamagedError, match="is not the record of a leaderboard"):
        Leaderboard.open(str(tmp_path))
    (tmp_path / RECORD).write_text(json.dumps({"schema_version": 7}))
    with pytest.raises(StoreError, match="has the schema 7"):
        Leaderboard.open(str(tmp_path))
    name = cells(LeaderboardSettings.model_validate(TINY))[0].name
    (tmp_path / "cells/synthetic").mkdir(parents=True)
    (tmp_path / f"cells/synthetic/{name}.json").write_text('{"cell": 1}')
    with pytest.raises(DamagedError, match="is no record of a leaderboard's cell; remove it"):
        st.leaderboard(tmp_path, **TINY, progress=False)


def test_series_is_held_out_by_time_and_probed_by_time(monkeypatch):
    beds = {"series": {"steps": 201 * 40}}
    settings = LeaderboardSettings.model_validate({**TINY, "beds": beds, "ladder": LADDER})
    made = split_testbed("series", settings, progress=False)
    assert made.labels == ["hour", "weekday", "lockdown", "season"]
    train, held_out = (set(side.sequences["start"].to_pylist()) for side in made.bed.split(0.1))
    assert set(made.train.sequences["start"].to_pylist()) == train and not train & held_out
    assert len(made.held_out.sequence_indices) == len(made.times) == 4
    assert len(set(made.times)) == len(held_out)
    columns = made.labels_of_steps
    assert {len(column) for column in columns.values()} == {len(made.held_out)} == {4 * 201}
    probed = []

    def spy(*given, times):
        probed.append((list(given[0]), times.tolist()))
        return probe_ladder(*given, times=times)

    monkeypatch.setattr(module, "probe_ladder", spy)
    monkeypatch.setattr(measuring, "probe_ladder", spy)
    module._references(made, settings)
    measuring.measure(st.dictionary("topk", d_in=96, width=16, k=2), made)
    times = made.times.tolist()
    assert probed == [(["activations", "random dictionary"], times), (["code"], times)]


def test_an_entry_has_one_file_of_plain_json(board):
    entry = board.entries[0]
    path = f"{board.path}/cells/synthetic/{entry.cell.name}.json"
    assert LeaderboardEntry.model_validate(edited.read_json(path)) == entry
