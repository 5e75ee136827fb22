"""An index of parts of recordings, as of a split by time, is read with the whole store."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from known_codes import Itself

import sparsetime as st
from sparsetime.errors import DataError
from sparsetime.explorer.workbench.input_source import input_source
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features.indexed_view import indexed_view
from sparsetime.files import Folder

STEPS, WIDTH, RATE = 800, 4, 10.0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One recording, whose last half is indexed; feature 1 is its label, feature 2 its events."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    values = np.zeros((STEPS, WIDTH), np.float32)
    values[:, 0] = rng.random(STEPS) < 0.2
    state = np.repeat(rng.random(STEPS // 8) < 0.4, 8)
    values[:, 1] = state
    onsets = [step for step in range(7, STEPS - 20, 23) if rng.random() < 0.7]
    for onset in onsets:
        values[onset + 2 : onset + 6, 2] = 1
    document = st.Document(
        "one",
        values=values,
        step_labels={"state": ["on" if one else "off" for one in state]},
        recording=st.Recording(rate=RATE),
    )
    events = [
        {"id": "one", "onset": step / RATE, "duration": 0.1, "trial_type": "tap"} for step in onsets
    ]
    store = st.capture(
        _model(), [document], "0", folder / "activations", events=events, keep_input=True,
        progress=False,
    )  # fmt: skip
    held_out = st.split(store, "time", held_out=0.5).held_out
    index = st.index(_Codes(), held_out, folder / "itself/features", progress=False)
    return folder, store, held_out, index, values


def _model():
    """A layer that leaves its input as it is, which an untrained copy of it does not."""
    layer = torch.nn.Linear(WIDTH, WIDTH, bias=False)
    torch.nn.init.eye_(layer.weight)
    return torch.nn.Sequential(layer)


class _Codes(st.features.CodeSource):
    """The activations themselves as codes."""

    kind, name, width, fingerprint = "itself", "itself", WIDTH, "itself"

    def code(self, sequence):
        return Itself(WIDTH).encode(sequence.values)


def test_the_whole_store_is_cut_as_the_index_is(run):
    _, store, held_out, index, values = run
    view = indexed_view(index, store)
    assert view.first_rows.tolist() == [STEPS // 2]
    np.testing.assert_array_equal(view.sequence(0).values.numpy(), values[STEPS // 2 :])
    assert view.sequence(0).times[0] == STEPS / 2 / RATE
    assert indexed_view(index, held_out).first_rows.tolist() == [STEPS // 2]


def test_labels_and_events_lie_on_the_indexed_part(run):
    _, store, held_out, index, _ = run
    scores = st.label_features(
        index, store, ["state"], model=_model(), baselines={"whole": store}, draws=20,
        progress=False,
    )  # fmt: skip
    assert scores.about["baselines"] == ["raw", "input", "untrained", "whole"]
    best = scores.rows(1)[0]
    for name in ("", "raw_", "input_", "whole_"):
        assert (best[f"{name}precision"], best[f"{name}recall"]) == (1.0, 1.0), name
    assert max(best["untrained_auroc"], 1 - best["untrained_auroc"]) > 0.9
    part, whole = (
        st.peri_event(index, one, draws=20, progress=False).rows(2)[0] for one in (held_out, store)
    )
    assert part["latency"] == whole["latency"] == 2
    assert whole["peak"] == 1.0


def test_the_explorer_shows_the_indexed_part_at_its_time(run):
    folder, _, _, _, values = run
    opened = Workbench(folder).opened
    stored = opened.dictionary("itself").store.sequence(0)
    source = input_source(Folder(str(folder)), stored)
    first = source.steps_of(0, 1)[0]
    assert first == STEPS // 2
    np.testing.assert_array_equal(source.read(first, STEPS), values[STEPS // 2 :])
    shown = np.zeros(STEPS // 2)
    code = opened.code("itself", 0)
    shown[code.row_of_entry[code.indices == 1]] = 1
    np.testing.assert_array_equal(shown, values[STEPS // 2 :, 1])


def test_another_part_and_an_index_that_names_none_are_refused(run, tmp_path):
    _, store, _, index, _ = run
    with pytest.raises(DataError, match=r"lacks steps of the parts .* give the whole store"):
        indexed_view(index, st.split(store, "time", held_out=0.5).train)
    record = json.loads(json.dumps(index.record))
    record["spans"] = None
    earlier = st.features.FeatureIndex(Folder(index.path), record)
    with pytest.raises(DataError, match=r"other lengths .* make the index again"):
        indexed_view(earlier, store)
