"""The series testbed as users get it: the shipped transformer, and every step labelled."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.errors import StoreError
from sparsetime.testbeds.series.auckland import Counts
from sparsetime.testbeds.series.build import documents
from sparsetime.testbeds.series.held_out_error import hour_of_week
from sparsetime.testbeds.series.labels import LADDER
from sparsetime.testbeds.series.patch_trainable import PatchTransformerTrainable
from sparsetime.testbeds.series.pretrained import STATE, WEIGHTS, record, series_model
from sparsetime.testbeds.series.settings import PatchTransformerSettings, PatchTransformerTraining
from sparsetime.testbeds.series.train import train
from sparsetime.training.run_folder import read_metrics

SMALL = {"steps": 1000, "progress": False}


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return st.testbed("series", out=tmp_path_factory.mktemp("beds") / "series", **SMALL)


def weeks(count, away=()):
    """Two sensors that repeat every day and week, from the first hour of 2020 on."""
    hours = np.arange(168 * count)
    wave = np.sin(hours * 2 * np.pi / 24) + (hours % 168 < 48)
    values = np.stack([wave, -wave], axis=1).astype(np.float32)
    values[list(away)] = np.nan
    return Counts(values, np.datetime64("2020-01-01T00", "h"), ("a", "b"))


def test_the_shipped_model_is_small_and_fills_in_years_it_never_saw_better_than_the_calendar():
    said = record()
    assert (WEIGHTS / STATE).stat().st_size < 1e6
    assert said["held_out"]["model"] < 0.8 * said["held_out"]["hour_of_week"]
    model = series_model()
    assert said["parameters"] == sum(p.numel() for p in model.model.parameters())
    some = [document for document in documents(20_000) if document.labels["held_out"]][:20]
    values = torch.stack([document.values for document in some])
    away = torch.rand(values.shape[:2], generator=torch.Generator().manual_seed(0)) < 0.4
    with torch.no_grad():
        guess = model.model(values.masked_fill(away[..., None], 0.0))
    assert (guess - values)[away].square().mean() < said["held_out"]["hour_of_week"]


def test_every_step_has_its_labels_and_its_time(series):
    assert series.labels == LADDER
    assert series.store.d == 96 and series.store.unit == "hour"
    assert len(series.store) == 1005  # windows are whole
    for i in range(5):
        sequence = series.store.sequence(i)
        assert set(sequence.labels) == {"sensor", "district", "year", "held_out"}
        assert {*LADDER[:-2]} <= set(sequence.steps.column_names)
        hours = np.array(sequence.steps["hour"].to_pylist())
        assert (np.diff(hours) % 24 == 3).all()


def test_it_is_split_by_time_and_what_is_held_out_is_of_years_the_model_never_saw(tmp_path):
    bed = st.testbed("series", out=tmp_path / "beds", steps=201 * 40, progress=False)
    sides = bed.split(0.1)
    years = [
        {json.loads(label)["year"] for label in side.sequences["labels"].to_pylist()}
        for side in sides
    ]
    assert years[1] <= {2021, 2023, 2025} and not years[0] & years[1]
    starts = [set(side.sequences["start"].to_pylist()) for side in sides]
    assert not starts[0] & starts[1]
    unseen = bed.store.where(held_out=True).sequence_indices.tolist()
    assert len(sides[1].sequence_indices) == 4 < len(unseen)
    assert len(sides[0].sequence_indices) + len(unseen) == 40
    assert bed.split(0.9)[1].sequence_indices.tolist() == unseen  # no more than there are
    assert bed.split(0.1, seed=0)[1].fingerprint == sides[1].fingerprint
    assert bed.split(0.1, seed=1)[1].fingerprint != sides[1].fingerprint


def test_sensors_that_counted_at_once_are_of_the_same_time(series):
    view = series.store
    starts = view.sequences["start"].to_numpy()
    times = series.times(view)
    assert ((times[:, None] == times) == (starts[:, None] == starts)).all()
    alone = replace(series, by_time=None)
    assert alone.times(view).tolist() == [0, 1, 2, 3, 4]


def test_a_finished_testbed_is_opened(series, monkeypatch):
    monkeypatch.setattr("sparsetime.testbeds.series.build.documents", None)
    again = st.testbed("series", out=series.store.path, **SMALL)
    assert again.store.fingerprint == series.store.fingerprint


def test_an_interrupted_build_resumes_to_the_same_bytes(series, tmp_path, monkeypatch):
    from sparsetime.activations.capture import run_captures as capturing

    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(capturing, "_append", cut_off)
        st.testbed("series", out=tmp_path / "series", **SMALL)
    again = st.testbed("series", out=tmp_path / "series", **SMALL)
    assert again.store.fingerprint == series.store.fingerprint


def test_the_stored_rows_are_the_stream_that_the_last_layer_reads(series):
    document = documents(1000)[0]
    read = []
    layer = series.model.model.transformer.encoder.layers[2]
    with torch.no_grad(), _hooked(layer, read):
        series.model.model(document.values[None])
    stored = series.store.sequence(0).values
    assert torch.allclose(read[0].reshape(stored.shape), stored, atol=0.01, rtol=0.01)


def test_training_lowers_the_error_and_writes_a_record_that_was_measured(tmp_path):
    settings = PatchTransformerTraining(
        model=PatchTransformerSettings(patches=16, d=16, layers=1, heads=2, hidden=32),
        steps=250, batch=32, warmup=5, learning_rate=1e-2, masked=0.3, seed=1,
    )  # fmt: skip
    data = weeks(70)  # 2020 to learn from, and the first weeks of 2021
    written = train(data, tmp_path, settings, show=False)
    losses = [loss for _, loss in written["loss"]]
    assert losses[-1] < 0.7 * losses[0]
    assert written["held_out"]["hour_of_week"] == 0.0
    assert 0 < written["held_out"]["model"] < 1.2 * losses[0]
    assert record(tmp_path) == written
    model = series_model(tmp_path).model
    x = torch.randn(2, 16, 3)
    assert torch.equal(model(x), series_model(tmp_path).model(x))


def test_a_training_that_was_cut_off_ends_with_the_same_bits(tmp_path, monkeypatch):
    settings = PatchTransformerTraining(
        model=PatchTransformerSettings(patches=8, d=8, layers=1, heads=2, hidden=8),
        steps=12, batch=4, warmup=2, save_every=5,
    )  # fmt: skip
    data = weeks(70)
    whole = train(data, tmp_path / "whole", settings, show=False)
    step, calls = PatchTransformerTrainable.step, iter(range(100))

    def cut_off(*arguments):
        if next(calls) == 7:
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(PatchTransformerTrainable, "step", cut_off)
        train(data, tmp_path / "cut", settings, show=False)
    assert not (tmp_path / "cut" / STATE).exists()
    other = settings.model_copy(update={"batch": 5})
    with pytest.raises(StoreError, match=r"its config differ \(config\.batch\)\. Choose another"):
        train(data, tmp_path / "cut", other, show=False)

    seen = []
    monkeypatch.setattr(
        PatchTransformerTrainable, "step", lambda *given: seen.append(1) or step(*given)
    )
    again = train(data, tmp_path / "cut", settings, show=False)
    assert len(seen) == 12 - 5, "it went on from the last state"
    assert again["loss"] == whole["loss"] and again["held_out"] == whole["held_out"]
    one, two = ((tmp_path / run / STATE).read_bytes() for run in ("whole", "cut"))
    assert one == two
    logs = [
        [(line["step"], line["loss"]) for line in read_metrics(str(tmp_path / run / "training"))]
        for run in ("whole", "cut")
    ]
    assert logs[0] == logs[1] and len(logs[0]) == 12


def test_the_calendar_is_learnt_where_nothing_is_held_out():
    data = weeks(60, away=range(5))
    usual = hour_of_week(data)
    assert usual.shape == (168, 2)
    assert np.allclose(usual, weeks(1).values, atol=1e-6)


def _hooked(layer, read):
    handle = layer.register_forward_pre_hook(
        lambda _, inputs, named: read.append(named.get("hidden_state", *inputs)), with_kwargs=True
    )
    return _Removed(handle)


class _Removed:
    def __init__(self, handle):
        self.handle = handle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.handle.remove()
