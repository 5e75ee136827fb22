"""Association of features with labels: planted truth is found, and the null keeps its rate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store
from sklearn.metrics import roc_auc_score
from toy_signals import vit

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DamagedError, DataError, MismatchError, UnknownNameError
from sparsetime.features.build_index import index
from sparsetime.features.feature_entries import FeatureEntries
from sparsetime.features.labels.halves import halves
from sparsetime.features.labels.label_column import LabelColumn
from sparsetime.features.labels.label_null import null_auroc
from sparsetime.features.labels.label_tables import LABELS, SCORES
from sparsetime.features.labels.stored_label import read_labels

RECORDINGS, STEPS, WIDTH, NOTES = 20, 200, 160, 5
PITCH, SPEAKER, RANDOM = NOTES, NOTES + 1, NOTES + 2  # features; those before are notes


def planted(seed=0, recordings=RECORDINGS, steps=STEPS):
    """Features 0 to 4 fire on a note each, 5 on pitches about 250, 6 on speaker B, others alone.

    Notes and pitches last 10 steps, and so does every random feature.
    """
    rng = seeds.numpy_generator(seed, "planted codes")
    rows, notes, pitches, labels = [], [], [], []
    for number in range(recordings):
        note = np.repeat(rng.integers(0, NOTES, steps // 10), 10)
        pitch = np.repeat(rng.uniform(100, 400, steps // 10), 10)
        x = np.repeat(rng.random((steps // 10, WIDTH)) < 0.1, 10, axis=0) * rng.random(
            (steps, WIDTH)
        )
        for value in range(NOTES):
            x[:, value] = (note == value) * (rng.random(steps) < 0.9) * rng.uniform(0.5, 1.5, steps)
        x[:, PITCH] = np.abs(pitch - 250) < 40
        x[:, SPEAKER] = (number % 2) * (rng.random(steps) < 0.3)
        rows.append(x)
        notes.append([None if n == 0 and number == 1 else f"N{n}" for n in note])
        pitches.append(pitch.tolist())
        labels.append({"speaker": "AB"[number % 2], "title": f"take {number}"})
    return rows, {"note": notes, "pitch": pitches}, labels


def made_from(folder, rows, steps, labels):
    store = make_store(folder / "store", rows, steps=steps, labels=labels)
    return index(Itself(rows[0].shape[1]), store, folder / "index", progress=False), store


@pytest.fixture(scope="module")
def planted_index(tmp_path_factory):
    return made_from(tmp_path_factory.mktemp("planted"), *planted())


@pytest.fixture(scope="module")
def scores(planted_index):
    made, store = planted_index
    return st.label_features(made, store, progress=False, baselines={"untrained": made})


def best(scores, feature):
    return scores.rows(feature)[0]


def test_features_are_named_by_the_label_value_that_they_detect(planted_index, scores):
    made, _ = planted_index
    names = made.column("label_name").to_pylist()
    assert names[:NOTES] == [f"N{n} (note)" for n in range(NOTES)]
    assert names[PITCH].startswith("pitch 2") and names[SPEAKER] == "B (speaker)"
    assert sum(name is not None for name in names[RANDOM:]) <= 2
    assert made.columns["label_name"].role == "name"
    assert best(scores, 0)["label"] == "note" and best(scores, 0)["value"] == "N0"
    assert {row["label"] for row in scores.rows(0)} <= {"note", "pitch", "speaker"}  # no title
    assert made.column("label_auroc").to_pylist()[0] == best(scores, 0)["auroc"]


def test_numbers_are_those_of_the_recordings_that_chose_nothing(scores):
    rows, steps, _ = planted()
    halves = scores.about["halves"]
    assert "chosen on 10 recordings, numbers from 10 others" in halves
    assert scores.about["measured_on"].startswith(
        "20 sequences; whether they were trained on is not"
    )
    row = best(scores, 2)
    x = np.stack(rows)[:, :, 2].astype(np.float32)
    is_note = np.array([[v == "N2" for v in one] for one in steps["note"]])
    fired = x >= np.float32(row["threshold"])
    # Recordings whose active steps are all of the scoring half reproduce the counts.
    hits, all_fired = (fired & is_note).sum(1), fired.sum(1)
    assert row["precision"] == 1.0 and hits.sum() == all_fired.sum()
    assert 0.8 < row["recall"] < 1.0
    assert row["steps"] < (x > 0).sum()
    # Half of the note's steps fire least strongly; AUROC = (1 + recall without a threshold) / 2.
    assert row["auroc"] == pytest.approx(0.95, abs=0.02)
    assert row["null_auroc"] == pytest.approx(0.5, abs=0.01)
    assert row["q"] < 0.01


def test_a_numeric_label_has_a_range_and_a_tuning_curve(scores):
    row = best(scores, PITCH)
    label = next(one for one in scores.about["labels"] if one["name"] == "pitch")
    edges, tuning = label["edges"], row["tuning"]
    assert len(tuning) == len(label["values"]) == len(edges) - 1 == 12
    assert 180 < edges[row["low"]] < 230 and 270 < edges[row["high"] + 1] < 320
    peak = int(np.argmax(tuning))
    assert row["low"] <= peak <= row["high"] and tuning[peak] > 0.9
    assert tuning[0] == tuning[-1] == 0


def test_baselines_stand_beside_every_score(scores):
    assert scores.about["baselines"] == ["raw", "untrained"]
    for feature in range(NOTES):
        row = best(scores, feature)
        # Raw dimensions are the features here, and so are those of the "untrained" index.
        for name in ("raw", "untrained"):
            assert row[f"{name}_precision"] == 1.0
            assert row[f"{name}_recall"] == pytest.approx(row["recall"], abs=0.15)
            assert row[f"{name}_auroc"] == pytest.approx(row["auroc"], abs=0.05)


def test_the_null_keeps_its_rate_though_features_and_labels_last(scores):
    table = scores.table.to_pydict()
    p = np.array([p for p, f in zip(table["p"], table["feature"], strict=True) if f >= RANDOM])
    q = np.array([q for q, f in zip(table["q"], table["feature"], strict=True) if f >= RANDOM])
    assert len(p) > 400
    assert 0.02 < (p <= 0.05).mean() < 0.085
    assert (q <= 0.05).mean() < 0.01


def test_one_recording_is_split_into_blocks_of_time(tmp_path):
    rows, steps, _ = planted(recordings=1, steps=2000)
    made, store = made_from(tmp_path, rows, steps, [{"speaker": "A"}])
    scores = st.label_features(made, store, progress=False)
    assert "blocks of time" in scores.about["halves"] and "gap of 15" in scores.about["halves"]
    assert made.column("label_name").to_pylist()[1] == "N1 (note)"
    assert {label["name"] for label in scores.about["labels"]} == {"note", "pitch"}


def states(rng, steps, count, kinds=4, dwell=20):
    """Independent states that last 20 steps on average, int [count, steps]."""
    change = rng.random((count, steps)) < 1 / dwell
    kind = rng.integers(0, kinds, (count, steps))
    last = np.maximum.accumulate(np.where(change, np.arange(steps), 0), axis=1)
    return np.take_along_axis(kind, last, axis=1)


def test_the_null_of_one_recording_keeps_its_rate(tmp_path):
    rng = seeds.numpy_generator(0, "planted codes")
    x = (states(rng, 2000, 60) == 0) * rng.random((60, 2000))
    labels = {f"label {n}": [code.tolist()] for n, code in enumerate(states(rng, 2000, 30))}
    made, store = made_from(tmp_path, [x.T], labels, None)
    p = st.label_features(made, store, progress=False).table["p"].to_numpy()
    assert len(p) > 1700
    assert 0.03 < (p <= 0.05).mean() < 0.07
    assert (p <= 0.01).mean() < 0.02


def test_one_recording_is_shifted_before_its_blocks_are_taken():
    """Each draw is the AUROC on the scoring rows for the label of the whole recording, shifted."""
    rng = seeds.numpy_generator(1, "planted codes")
    steps, draws, seed = 640, 20, 3
    value, code = rng.random(steps).astype(np.float32), states(rng, steps, 1)[0].astype(np.int32)
    halved = halves(np.array([steps]), {}, seed)
    order = np.argsort(-value).astype(np.int32)
    sorted_entries = FeatureEntries(
        np.array([0, steps]), order, value[order], np.array([0, steps]), np.array([0])
    )
    scored = sorted_entries.on(halved.scoring)
    count = int(halved.scoring.sum())
    rank = np.arange(count, 0, -1) - np.float32(
        0.5
    )  # less that of inactive rows, of which there are none
    null = null_auroc(
        scored, rank.astype(np.float32), np.array([float(count)]),
        LabelColumn("state", tuple("abcd"), code), halved, np.array([1]), np.array([1]), draws,
        seed,
    )[0]  # fmt: skip
    stream = seeds.numpy_generator(seed, "exchanged labels")
    stream.random((draws, 1))  # the order of recordings
    for draw, shift in enumerate((stream.random(draws) * steps).astype(int)):
        is_value = np.roll(code, -shift)[halved.scoring] == 1
        expected = roc_auc_score(is_value, value[halved.scoring])
        assert null[draw] == pytest.approx(expected, abs=1e-5)


def test_flags_and_whole_numbers_name_features(tmp_path):
    rng = seeds.numpy_generator(0, "planted labels")
    flag, grade = rng.random((6, 100)) < 0.3, rng.integers(0, 100, (6, 100))
    rows = [np.stack([f, g >= 80], 1).astype(float) for f, g in zip(flag, grade, strict=True)]
    steps = {"speech": flag.tolist(), "grade": grade.tolist()}
    made, store = made_from(tmp_path, rows, steps, None)
    st.label_features(made, store, ["speech"], progress=False)
    assert made.column("label_name").to_pylist() == ["speech", None]
    st.label_features(made, store, progress=False)  # more than 64 whole numbers are a number
    assert made.column("label_name").to_pylist()[1].startswith("grade ≥ ")


def test_a_damaged_table_is_an_error(tmp_path):
    made, store = made_from(tmp_path, *planted(recordings=4))
    st.label_features(made, store, progress=False, draws=20)
    file = tmp_path / "index/details" / f"{SCORES}.parquet"
    assert list(made.tables) == [LABELS]
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 16
    file.write_bytes(bytes(data))
    with pytest.raises(DamagedError, match=r"label_scores.*damaged"):
        _ = st.open_index(made.path).details(SCORES).table


def test_bad_input_is_refused_in_words(planted_index, tmp_path):
    made, store = planted_index
    with pytest.raises(DataError, match="10 of the 20 indexed sequences; give the whole store"):
        st.label_features(made, store.where(speaker="A"))
    with pytest.raises(UnknownNameError, match="did you mean 'note'"):
        st.label_features(made, store, ["notes"])
    with pytest.raises(ConfigError, match="got draws=3, expected at least 20"):
        st.label_features(made, store, draws=3)
    short, of_short = made_from(tmp_path, [np.ones((100, 2))], {"k": [["a", "b"] * 50]}, None)
    with pytest.raises(DataError, match="one recording of 100 steps, expected at least 256"):
        st.label_features(short, of_short)
    with pytest.raises(MismatchError, match="baseline 'twin' has 1 of the 20 indexed sequences"):
        st.label_features(made, store, baselines={"twin": of_short})
    with pytest.raises(ConfigError, match="got the baseline name 'raw'"):
        st.label_features(made, store, baselines={"raw": store})


class Notes(torch.nn.Module):
    """The layer whose features name notes, behind one that an untrained copy has at random."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(NOTES, NOTES, bias=False)
        torch.nn.init.eye_(self.layer.weight)

    def forward(self, x):
        return self.layer(x)


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("untrained")
    rng = seeds.numpy_generator(0, "planted codes")
    documents = []
    for number in range(8):
        note = np.repeat(rng.integers(0, NOTES, 20), 10)
        values = np.eye(NOTES, dtype=np.float32)[note] * rng.uniform(0.5, 1.5, (200, 1))
        labels = {"note": [f"N{n}" for n in note]}
        documents.append(
            st.Document(f"take {number}", values=values.astype("float32"), step_labels=labels)
        )
    store = st.capture(
        Notes(), documents, "layer", folder / "store", keep_input=True, progress=False
    )
    _, held_out = st.split(store, by="sequence", held_out=0.5)
    made = index(Itself(NOTES), held_out, folder / "index", progress=False)
    return made, store, documents


def test_an_untrained_copy_is_captured_from_what_the_store_keeps_or_from_the_data(captured):
    made, store, documents = captured
    kept = st.label_features(made, store, draws=20, model=Notes(), progress=False)
    assert kept.about["baselines"] == ["raw", "input", "untrained"]
    given = st.label_features(made, store, draws=20, model=Notes(), data=documents, progress=False)
    assert given.table.equals(kept.table)
    one = best(kept, 0)
    sure = min(one["raw_precision"], one["raw_recall"])
    assert sure > 0.95 and min(one["untrained_precision"], one["untrained_recall"]) < sure


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"data": [1]}, ConfigError, "got data= without model="),
        ({"model": torch.nn.Linear(2, 2)}, MismatchError, "whose weights are not those that"),
        ({"model": Notes, "data": slice(0, 3)}, MismatchError, "is not in its place; give the"),
        ({"model": Notes, "baselines": {"untrained": None}}, ConfigError, "other than 'raw' and"),
    ],
)
def test_other_models_data_and_names_are_refused(captured, options, error, words):
    made, store, documents = captured
    if isinstance(options.get("data"), slice):
        options = {**options, "data": documents[options["data"]]}
    if options.get("model") is Notes:
        options = {**options, "model": Notes()}
    with pytest.raises(error, match=words):
        st.label_features(made, store, draws=20, progress=False, **options)


def test_rows_of_a_feature_map_have_a_label_of_their_place(tmp_path):
    frames = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
    settings = {"input_layout": "(b t) c h w", "feature_map": "flatten", "progress": False}
    store = st.capture(vit(), [frames], "layers.1", tmp_path / "store", **settings)
    (label,) = read_labels(store)
    assert label.name == "place" and "y 0, x 1" in label.values
