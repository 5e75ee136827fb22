"""Random bits of all files of a run are flipped, one at a time: none silent, none a traceback."""

from __future__ import annotations

import json
import logging
import random
import re
import shutil
import warnings
from pathlib import Path

import edited
import numpy as np
import pyarrow as pa
import pytest
import torch
from attention.zoo import small_llama
from fastapi.testclient import TestClient
from saved_inputs import save_inputs
from small_run import DIMENSIONS, SENTENCE, WIDTH, effects_by_lag, prose, write_store
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.circuits.attribution_graph import graph_scores
from sparsetime.circuits.targets import TargetVector
from sparsetime.circuits.traced import Traced, WrittenVectors
from sparsetime.cli import app
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.errors import SparsetimeError
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.atom_matches import MATCHES
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.explorer.workbench.saved_effects import saved_effects
from sparsetime.explorer.workbench.schema import Label
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.files import Folder
from sparsetime.files.check_folder import check_folder
from sparsetime.metrics.evaluation_report import EvaluationReport
from sparsetime.models.model_hash import model_hash
from sparsetime.suites.suite_record import Suite, SuiteEntry
from sparsetime.training.checkpoints import Checkpoints
from sparsetime.training.dictionary_trainable import DictionaryTrainable
from sparsetime.training.run_folder import RunFolder, metrics_lines
from sparsetime.training.run_settings import upgrade_run_settings

FLIPS = 300
LATENTS = frozenset({"weight"})
ADDED = torch.nn.Linear(2, 2)  # the model of the saved circuit
WITHOUT_TEXT = 2  # the sequence whose input is a series
TRAIN = {"rows": 2000, "batch": 100, "show": False, "log_every": 5, "checkpoint_every": 10}
SCORE = ColumnDefinition("score", "float64", "agreement of two raters", "share", "survey")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Every file that the package writes beside a run, in one folder."""
    run = tmp_path_factory.mktemp("damage") / "run"
    texts = [SENTENCE * 3, prose(1, 12), prose(2, 12)]
    shown = pa.array([*texts[:WITHOUT_TEXT], None], pa.large_string())
    store = write_store(run / "activations", texts, text=shown)
    sae = trained(run / "topk", store, snapshots=2)
    st.evaluate(sae, store, ["fvu", "l0", "dwell"], out=run / "topk", progress=False)
    index = st.index(sae, store, out=run / "topk/features", progress=False)
    index.add_table("raters", {"feature": range(WIDTH), "score": np.ones(WIDTH)}, [SCORE])
    effects_by_lag().save(index.path)
    index.add_details("scores", {"feature": [1, 1], "score": [0.5, 0.25]}, [SCORE], {"draws": 3})
    st.index(trained(run / "other", store, seed=1), store, run / "other/features", progress=False)
    with pytest.raises(KeyboardInterrupt):
        trained(run / "interrupted", Interrupting(store))
    folder = Folder(str(run))
    write_shards(folder / "shards")
    Labels(folder, {}).add([Label(dictionary="topk", feature=n, name=f"n {n}") for n in range(3)])
    save_inputs(run, {number: np.ones((n, 2)) for number, n in enumerate(lengths(store))})
    with client_of(run) as client:
        assert client.get("/api/compare?left=topk&right=other").status_code == 200
    assert folder.exists(MATCHES)
    folder.write_text("config.yaml", "capture:\n  site: layer\n")
    entry = SuiteEntry("layer", "*", 0, WIDTH, "topk", "0" * 64, 0.5, 4.0, 0.0)
    Suite(str(run / "suite"), (entry,), {"settings": {"train": {}}, "model_hash": "abc"}).save()
    settings = LeaderboardSettings(beds=["synthetic"])
    Leaderboard(str(run / "board"), settings, (), {"synthetic": []}).save()
    small_circuit().save(run / "circuits" / "add")
    model, tokens = small_llama(layers=1)
    policies = [st.attention_policy("sliding_window", window=4)]
    st.attention.keep_attention(model, tokens[:1, :8], run / "attention" / "a", policies)
    st.export(run, run.parent / "exported", megabytes=0.2, progress=False)
    (run.parent / "exported").rename(run / "exported")
    st.report(run, progress=False)
    return run


def small_circuit():
    """A graph of two tokens and a target, with an ablation."""
    rows = [("token", "embed", step, -1, 0.0, text, "") for step, text in enumerate("ab")]
    rows.append(("target", "head", 1, -1, 1.0, "c", "head"))
    names = ("kind", "site", "step", "latent", "value", "label", "reads")
    nodes = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    weights = torch.tensor([[0.0, 0, 0], [0, 0, 0], [0.5, 0.25, 0]])
    target = {"name": "c", "step": 1, "weight": 1.0}
    about = {"texts": ["a", "b"], "targets": [target], "writes": ["embed"], "tokens": [0, 1]}
    about |= {"model": "a linear map", "model_hash": model_hash(ADDED)}
    ablations = pa.table(
        {"group": [0], "nodes": [[0]], "target": ["c"], "predicted": [-0.5], "measured": [-0.4]}
    )
    scores = graph_scores(nodes, weights)
    targets = [TargetVector("c", "", 1, torch.eye(2), 0.0, 1.0)]
    written = {"": WrittenVectors(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 2))}
    traced = Traced(ADDED, torch.tensor([0, 1]), targets, [], written)
    return st.circuits.AttributionGraph(nodes, weights, scores, about, ablations, traced)


def write_shards(folder):
    """A checkpoint of two processes."""
    checksums = []

    def gather(own):
        checksums.insert(0, own)
        return checksums

    for number in (1, 0):
        part = {"weight": torch.full((2, 3), float(number)), "steps": torch.tensor(5)}
        Checkpoints(folder, number, 2, gather=gather).write(part, 5, LATENTS)


class Interrupting:
    """A source that ends with Ctrl-C after some batches."""

    def __init__(self, store):
        self.store = store

    def with_shuffle_buffer(self, size):
        return self

    def __getattr__(self, name):
        return getattr(self.store, name)

    def rows(self, *args, **kwargs):
        for number, batch in enumerate(self.store.rows(*args, **kwargs)):
            if number == 15:
                raise KeyboardInterrupt
            yield batch


def trained(out, source, seed=0, **settings):
    sae = st.dictionary("topk", d_in=DIMENSIONS, width=WIDTH, k=4, seed=seed)
    return st.train(sae, source, out=out, **TRAIN, **settings).dictionary


def lengths(store):
    return store.sequences["length"].to_pylist()


def client_of(run):
    return TestClient(make_app(Workbench(run)), base_url="http://localhost",
                      raise_server_exceptions=False)  # fmt: skip


def read_store(run):
    store = st.open_store(run / "activations")
    parts = (store.read(0, len(store)), store.steps(), store.sequences)
    store.verify()  # also the tables that only an unfinished store is read by
    return parts


def read_index(run, name):
    index = st.open_index(run / name / "features")
    try:
        sequences = index.sequences["sequence"].to_pylist()
        return [index.features, index.tables, *map(index.entries, sequences),
                index.examples(3), index.history(3), *read_details(index)]  # fmt: skip
    finally:
        index.close()


def read_details(index):
    scores = index.details("scores")
    return [] if scores is None else [scores.about, scores.table, scores.rows(1)]


def read_attention(run):
    kept = st.attention.open_attention(run / "attention" / "a")
    return [kept.about, *(kept.head(number) for number in range(len(kept.about["heads"])))]


def read_log(run, name):
    lines = metrics_lines(str(run / name))
    if lines.damaged:
        raise SparsetimeError(lines.damaged)
    return lines.values


def read_labels(run):
    labels = Labels(Folder(str(run)), {})
    if labels.note:
        raise SparsetimeError(labels.note)
    return labels.all()


def resumed(run):
    """The run in a copy, since the training writes there."""
    copy = shutil.copytree(run / "interrupted", run.parent / "copy")
    try:
        store = st.open_store(run / "activations")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a damaged log
            return trained(copy, store).atoms
    except UserWarning as error:
        raise SparsetimeError(str(error)) from error
    finally:
        shutil.rmtree(copy)


def opened_matches(run):
    """A cache: what is damaged in it is computed again, so that the answer stays as it was."""
    with client_of(run) as client:
        return client.get("/api/compare?left=topk&right=other").json()


def checked(run):
    found = check_folder(Folder(str(run)))
    if found.damaged:
        raise SparsetimeError(" ".join(found.damaged))
    return found.files


def settings_of(run, name):
    return RunFolder(str(run / name), DictionaryTrainable.files, upgrade_run_settings).settings


def read_inputs(run):
    with client_of(run) as client:
        return answered(client.get(f"/api/dictionaries/topk/sequences/{WITHOUT_TEXT}/input"))


def answered(answer):
    assert answer.status_code < 500 and "Traceback" not in answer.text
    if answer.status_code >= 400:
        raise SparsetimeError(answer.json()["error"])
    return answer.json()


# Who reads a file, by a part of its path in the run; the first that fits. A file of a new format
# has no reader here, and the test fails until it has one.
READERS = {
    "exported/": lambda run, _: checked(run / "exported"),
    "attention/": lambda run, _: read_attention(run),
    "circuits/": lambda run, _: st.circuits.open_circuit(run / "circuits" / "add", ADDED),
    "activations/": lambda run, _: read_store(run),
    "matches/": lambda run, _: opened_matches(run),
    "interrupted/": lambda run, _: resumed(run),
    "shards/": lambda run, _: Checkpoints(Folder(str(run / "shards"))).read(LATENTS),
    "features/effects/": lambda run, _: saved_effects(Workbench(run).opened, "topk"),
    "features/": lambda run, name: read_index(run, name.partition("/")[0]),
    "training.json": lambda run, name: settings_of(run, Path(name).parent),
    "metrics.jsonl": lambda run, name: read_log(run, Path(name).parent),
    "evaluation.json": lambda run, name: EvaluationReport.load(run / Path(name).parent),
    "dictionary.": lambda run, name: st.load(run / Path(name).parent),
    "labels.jsonl": lambda run, _: read_labels(run),
    "config.yaml": lambda run, _: Folder(str(run)).read_text("config.yaml"),
    "inputs.safetensors": lambda run, _: read_inputs(run),
    "suite/suite.json": lambda run, _: Suite.open(str(run / "suite")),
    "board/leaderboard.json": lambda run, _: Leaderboard.open(str(run / "board")),
    # Read by people and other programs, and checked with all the others.
    "suite/suite.md": lambda run, _: checked(run / "suite"),
    "board/leaderboard.parquet": lambda run, _: checked(run / "board"),
    "report.html": lambda run, _: checked(run),
}
CACHES = ("matches/",)  # computed again, so that the answer is the one from before


def reader_of(name):
    for part, reader in READERS.items():
        if part in name:
            return reader
    raise AssertionError(f"no reader of {name} is named in READERS")


def files_of(run):
    return sorted(p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file())


def test_the_undamaged_run_is_read_without_a_word(run, caplog):
    with caplog.at_level(logging.WARNING, "sparsetime"):
        read = {part: name for name in files_of(run) for part in READERS if part in name}
        for name in read.values():
            reader_of(name)(run, name)
    found = check_folder(Folder(str(run)))
    assert (found.damaged, found.unverified, found.unfinished) == ([], [], [])
    assert found.files == len(files_of(run)) and not caplog.records


def test_a_command_checks_every_file(run):
    def command(code):
        result = CliRunner().invoke(app, ["verify", str(run)])
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    count = len(files_of(run))
    assert f"{count:,} files, 0 damaged, 0 without a checksum" in command(0)
    path = run / "report.html"
    data = path.read_bytes()
    try:
        path.write_bytes(data.replace(b"</html>", b"</htm1>"))
        assert f"{count:,} files, 1 damaged" in command(1)
        assert "report.html is damaged: its bytes are not those that were written" in command(1)
        (run / "notes.txt").write_text("mine")
        assert "1 without a checksum without a checksum: notes.txt" in command(1)
    finally:
        path.write_bytes(data)
        (run / "notes.txt").unlink(missing_ok=True)


def test_no_flipped_bit_is_silent_or_raw(run):
    """Each file once, and the rest of the flips at random over all but an export's many assets."""
    names = files_of(run)
    others = [name for name in names if not name.startswith("exported/")]
    stream = random.Random(13)
    chosen = names + stream.choices(others, k=max(0, FLIPS - len(names)))
    assert len(chosen) >= FLIPS
    whole = {part: reader_of(part)(run, part) for part in CACHES}
    for name in chosen:
        path = run / name
        data = path.read_bytes()
        place, bit = stream.randrange(len(data)), stream.randrange(8)
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
        try:
            if name.startswith(CACHES):
                assert reader_of(name)(run, name) == whole[CACHES[0]]
                continue
            where = f"{name}: bit {bit} of byte {place}"
            try:
                reader_of(name)(run, name)
            except SparsetimeError as error:
                advice = "damaged|differs|not the|is no|cannot|Restore|again|Copy|Remove"
                assert path.name in str(error) and re.search(advice, str(error)), where
            else:
                pytest.fail(f"{where} is silent")
        finally:
            path.write_bytes(data)


ASKED = ["/", "/api/preview", "/api/run", "/api/training", "/api/labels",
         "/api/dictionaries/topk/features?limit=3", "/api/dictionaries/other/features?limit=3",
         "/api/dictionaries/topk/features/3/examples",
         "/api/dictionaries/topk/sequences/0/timeline",
         "/api/circuits", "/api/circuits/add", "/api/attention", "/api/attention/a",
         "/api/attention/a/heads/0/map",
         "/api/compare?left=topk&right=other"]  # fmt: skip
LEFT_OUT = [  # a file, and whether the dictionary beside it is still shown
    ("topk/dictionary.json", False),
    ("topk/dictionary.safetensors", False),
    ("topk/features/index.json", False),
    ("topk/features/features.parquet", False),
    ("topk/features/tables/raters.json", True),
    ("topk/features/details/scores.json", True),
    ("topk/evaluation.json", True),
    ("topk/metrics.jsonl", True),
    ("labels.jsonl", True),
    ("config.yaml", True),
]


def open_pages(run, addresses=ASKED):
    """Some pages, and the overview; whatever is refused is refused in words."""
    with client_of(run) as client:
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code < 500 and "Traceback" not in answer.text, address
            if answer.status_code >= 400:
                assert len(answer.json()["error"]) > 20
        return client.get("/api/run").json()


@pytest.mark.parametrize(("name", "shown"), LEFT_OUT)
def test_a_damaged_member_is_left_out_with_a_note(run, name, shown):
    path = run / name
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 0x80]) + data[middle + 1 :])
    try:
        page = open_pages(run)
    finally:
        path.write_bytes(data)
    keys = [each["entry"]["key"] for each in page["dictionaries"]]
    assert keys == (["topk", "other"] if shown else ["other"])
    (note,) = page["notes"]
    assert path.name in note and re.search("Restore|again|Copy|Remove", note)


OTHERS = {
    "topk/dictionary.json": [
        ({"schema_version": 9}, "has schema version 9; .* Update sparsetime"),
        ({"encoder": {"kind": "liner"}}, "unknown encoder 'liner'"),
        ({"sparsifier": {"kind": "top_k", "k": -3}}, "k"),
        ({"sparsifier": {"kind": "top_k"}}, "k"),
        ({"decoder": {}}, "describes no dictionary|kind"),
        ({"decoder": {"kind": "unit_norm", "width": 7, "d_out": 3}}, "encoder has width 96"),
    ],
    "topk/features/index.json": [
        ({"schema_version": 9}, "has the index schema 9; .* Update sparsetime"),
        ({"files": {}}, "index.json|is missing|bytes"),
        ({"groups": "x"}, "is not the record of a feature index"),
        ({"subject": None}, "is not the record of a feature index"),
    ],
    "topk/evaluation.json": [
        ({"schema_version": 9}, "has the schema 9"),
        ({"metrics": {"fvu": 3}}, "is not an evaluation report"),
        ({"about": None}, "is not an evaluation report"),
    ],
    "topk/features/tables/raters.json": [
        ({"schema_version": 9}, "has the schema 9; .* Update sparsetime"),
        ({"columns": [3]}, "cannot be read"),
    ],
    "topk/features/details/scores.json": [
        ({"schema_version": 9}, "has the schema 9; .* Update sparsetime"),
        ({"file": None}, "is not the record of a detail table"),
    ],
}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [(name, change, said) for name, changes in OTHERS.items() for change, said in changes],
)
@pytest.mark.parametrize("marked", [True, False])
def test_a_member_of_another_kind_is_left_out_with_a_note(run, name, change, said, marked):
    """With a checksum that fits, as another version would write it, and without one, as 0.1.0."""
    path = run / name
    data = path.read_bytes()
    changed = edited.read_json(path) | change
    if marked:
        edited.write_json(path, changed)
    else:
        path.write_text(json.dumps(changed))
    try:
        page = open_pages(run, ["/api/preview"])
    finally:
        path.write_bytes(data)
    assert "other" in [each["entry"]["key"] for each in page["dictionaries"]]
    (note,) = page["notes"]
    assert re.search(said, note), note
