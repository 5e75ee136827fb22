"""Needs time: features of one step, of a change and of a position; patches, tokens, refusals."""

import numpy as np
import pytest
import torch
from toy_models import bert_folder
from typer.testing import CliRunner

import sparsetime as st
from sparsetime import SparseCode, seeds
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.features import CodeSource
from sparsetime.features.time_need.shuffled_documents import shuffled_document

STEP, CHANGE, PLACE, SILENT = range(4)


class Net(torch.nn.Module):
    """A step's value, its rise since the step before, a place of the sequence, and nothing."""

    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(4, 4, bias=False)
        torch.nn.init.eye_(self.out.weight)

    def forward(self, x):
        before = torch.nn.functional.pad(x, (0, 0, 1, 0))[:, :-1]
        place = torch.linspace(-1, 1, x.shape[1]).expand(x.shape[:2])
        parts = [x[..., 0], x[..., 0] - before[..., 0], place, -torch.ones_like(place)]
        return self.out(torch.stack(parts, -1))


class Positive(CodeSource):
    """The positive coordinates of the activations."""

    kind, name = "positive", "positive coordinates"

    def __init__(self, width, fingerprint="positive"):
        self.width, self.fingerprint = width, fingerprint

    def code(self, sequence):
        return SparseCode.from_dense(sequence.values.clamp_min(0))


def walks(count=6, time=60):
    rng = seeds.numpy_generator(0, "planted codes")
    for number in range(count):
        values = rng.standard_normal((time, 1)).cumsum(0)
        yield st.Document(f"walk {number}", values=torch.from_numpy(values).float(), step=0.5)


def indexed(folder, model, documents, site, width, **settings):
    store = st.capture(model, documents, site, folder / "store", progress=False, **settings)
    return st.index(Positive(width), store, folder / "index", progress=False), store


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walks")
    return indexed(folder, Net(), list(walks()), "out", 4, keep_input=True)


def in_walks(made, store, **settings):
    return st.temporal_tests(
        made, source=Positive(4), store=store, model=Net(), progress=False, **settings
    )


def test_a_feature_of_a_change_needs_time_and_one_of_a_step_does_not(walked):
    made, store = walked
    found = in_walks(made, store)
    assert found.needs_time[STEP] == pytest.approx(0, abs=1e-6)
    assert found.level[STEP] == pytest.approx(1)
    assert found.needs_time[CHANGE] > 0.3
    assert found.level[CHANGE] > 2  # a walk out of order jumps
    assert found.needs_time[PLACE] > 0.2
    assert np.isnan(found.needs_time[SILENT])
    assert 0 < found.of_orders[CHANGE] <= 1
    assert found.steps == 360
    column = made.column("needs_time").to_pylist()
    assert column[CHANGE] == pytest.approx(found.needs_time[CHANGE])
    assert column[SILENT] is None
    assert found.rank[STEP] <= found.rank[CHANGE] <= 1
    assert made.columns["needs_time"].is_numeric


def test_a_block_longer_than_the_need_hides_it_and_few_steps_are_read(walked):
    made, store = walked
    long = in_walks(made, store, block=30)
    assert long.needs_time[CHANGE] < in_walks(made, store).needs_time[CHANGE] / 2
    few = st.features.needs_time(made, Positive(4), store, Net(), steps=100, progress=False)
    assert few.steps == 120


class Growing(torch.nn.Module):
    """An untrained memory whose rows grow with time."""

    def __init__(self, growth):
        super().__init__()
        self.growth = growth
        self.out = torch.nn.Linear(4, 4, bias=False)
        torch.nn.init.eye_(self.out.weight)

    def forward(self, x):
        rise = x - torch.nn.functional.pad(x, (0, 0, 1, 0))[:, :-1]
        rows = torch.cat([x, rise, x.cumsum(1), torch.ones_like(x)], -1)
        time = torch.arange(x.shape[1])[:, None]
        return self.out(rows * self.growth**time)


def test_the_null_is_not_that_of_the_longest_rows_of_a_copy_that_grows(walked):
    made, store = walked
    even, grown = (in_walks(made, store, untrained=Growing(rate)).untrained for rate in (1, 1.5))
    np.testing.assert_allclose(grown, even, atol=1e-4)


def test_rows_that_join_steps_move_as_a_whole():
    document = st.Document("a", values=torch.arange(11.0))
    draw = seeds.numpy_generator(1, "shuffled inputs", 1, 0)
    moved, places = shuffled_document(document, (0, 0), 5, 2, draw)
    assert sorted(moved.values[:, 0].tolist()) == list(range(11))
    pairs = moved.values[:10].reshape(5, 2)
    assert (pairs[:, 1] - pairs[:, 0] == 1).all()
    assert (pairs[:, 0] / 2).tolist() == places.tolist()
    assert moved.values[8:, 0].tolist() == [8, 9, 10]  # no whole block of two rows is left
    with pytest.raises(DataError, match="expected at most one row a step"):
        shuffled_document(document, (0, 0), 40, 1, draw)


def test_tokens_of_a_text_change_places_between_its_special_tokens(tmp_path):
    folder = bert_folder(tmp_path / "model")
    texts = ["time runs on and on", "on and on time stops and runs"]
    made, store = indexed(tmp_path, folder, texts, "encoder.layer.1", 16)
    found = st.features.needs_time(made, Positive(16), store, folder, progress=False)
    assert np.isfinite(found.needs_time).any()
    assert (found.needs_time[np.isfinite(found.needs_time)] > 0).all()  # positions are embedded


def test_the_command_lists_features_by_their_need(tmp_path):
    folder = bert_folder(tmp_path / "model")
    texts = ["time runs on and on", "on and on time stops and runs"]
    store = st.capture(folder, texts, "encoder.layer.1", tmp_path / "store", progress=False)
    sae = st.dictionary("topk", d_in=16, width=24, k=4)
    sae.save(tmp_path / "topk")
    st.index(sae, store, tmp_path / "index", progress=False)
    places = {"index": "index", "dictionary": "topk", "store": "store", "model": "model"}
    options = [part for name, to in places.items() for part in (f"--{name}", f"{tmp_path}/{to}")]
    result = CliRunner().invoke(app, ["needs-time", *options])
    assert result.exit_code == 0, result.output
    assert "median need" in result.output
    assert st.open_index(tmp_path / "index").column("needs_time").null_count < 24


def test_what_cannot_be_compared_is_refused(walked, tmp_path):
    made, store = walked
    with pytest.raises(ConfigError, match="expected at least 2 orders"):
        in_walks(made, store, shuffles=1)
    with pytest.raises(ConfigError, match="without source="):
        st.temporal_tests(made, store=store, model=Net())
    other = Net()
    torch.nn.init.zeros_(other.out.weight)
    with pytest.raises(MismatchError, match="whose weights are not those"):
        st.features.needs_time(made, Positive(4), store, other)
    with pytest.raises(MismatchError, match="give the source that was indexed"):
        st.features.needs_time(made, Positive(4, "other"), store, Net())
    bare, stored = indexed(tmp_path, Net(), list(walks()), "out", 4)
    with pytest.raises(DataError, match="keeps neither text nor input"):
        in_walks(bare, stored)
    with pytest.raises(DataError, match="data without 'walk 5'"):
        in_walks(bare, stored, data=list(walks(5)))
    assert in_walks(bare, stored, data=list(walks())).needs_time[STEP] < 1e-6
    ends = st.split(stored, "time", held_out=0.5).held_out
    parts = st.index(Positive(4), ends, tmp_path / "parts", progress=False)
    for data in (None, list(walks())):
        with pytest.raises(DataError, match=r"got parts of sequences .* index the whole store"):
            in_walks(parts, stored, data=data)
