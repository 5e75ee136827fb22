"""A run whose second code source is no dictionary: timeline, co-activation, matching and export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from small_run import add_dictionary, prose, write_store

from sparsetime.codes import SparseCode
from sparsetime.errors import MismatchError
from sparsetime.explorer.export import export
from sparsetime.explorer.workbench.coactivation import coactivation_view
from sparsetime.explorer.workbench.compare import compare
from sparsetime.explorer.workbench.feature import feature
from sparsetime.explorer.workbench.feature_list import features
from sparsetime.explorer.workbench.overview import overview
from sparsetime.explorer.workbench.timeline import timeline
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features.array_codes import ArrayCodes
from sparsetime.features.build_index import index
from sparsetime.features.code_source import CodeSource


class ThresholdedNeurons(CodeSource):
    """Every coordinate of the activations is a latent, active above a threshold."""

    kind = "neurons"
    name = "thresholded neurons"

    def __init__(self, width, threshold):
        self.width, self.threshold = width, threshold
        self.fingerprint = f"{width} {threshold}".encode().hex()
        self.latent_names = [f"neuron {n}" for n in range(width)]

    def code(self, sequence):
        values = sequence.values
        return SparseCode.from_dense(torch.where(values > self.threshold, values, 0.0))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 20) for n in range(3)])
    add_dictionary(folder, store, "batch_topk")
    index(ThresholdedNeurons(store.d, 0.8), store, folder / "neurons/features", progress=False)
    # The same neurons in another order, as arrays, to be matched one to one.
    order = torch.arange(store.d).flip(0)
    codes = {n: torch.relu(store.sequence(n).values - 0.8)[:, order] for n in range(3)}
    index(ArrayCodes("flipped", codes), store, folder / "flipped/features", progress=False)
    return folder


@pytest.fixture(scope="module")
def opened(run):
    return Workbench(run).opened


def test_every_source_is_shown(run, opened):
    assert set(opened.shown) == {"batch_topk", "neurons", "flipped"} and opened.notes == []
    titles = {view.entry.key: view.entry.title for view in overview(Workbench(run)).dictionaries}
    assert titles["neurons"] == "thresholded neurons"


def test_its_timeline_and_features_are_answered(opened):
    segment = timeline(opened, "neurons", 0, 0, 30)
    code = opened.code("neurons", 0).row_slice(0, 30)
    assert segment.active_features == len(np.unique(code.indices.numpy())) > 0
    assert {row.name for row in segment.rows} == {f"neuron {row.feature}" for row in segment.rows}
    line = features(opened, "neurons", limit=1).lines[0]
    view = feature(opened, "neurons", line.feature)
    assert view.line.named_by == "label" and view.bands[0].moments
    near = coactivation_view(opened, "neurons", line.feature)
    assert near.together and near.nearest == near.elsewhere == []


def test_sources_without_directions_are_matched_by_activation(opened):
    view = compare(opened, "neurons", "flipped")
    assert view.shared > 0 and view.only_left == view.only_right == 0
    for match in view.matches:
        assert match.right.feature == 15 - match.left.feature
        assert match.cosine > 0.7
    assert compare(opened, "batch_topk", "neurons").left == "batch_topk"
    with pytest.raises(MismatchError, match="cannot encode new activations"):
        opened.loaded("neurons")
    with pytest.raises(MismatchError, match="have no directions"):
        opened.atoms("neurons")


def test_it_is_exported(run, tmp_path):
    export(run, tmp_path / "out", progress=False)
    shown = json.loads((tmp_path / "out/data/run.json").read_text())["dictionaries"]
    place = [view["entry"]["key"] for view in shown].index("neurons")
    listed = json.loads((tmp_path / f"out/data/{place}/features.json").read_text())
    assert listed["lines"][0]["name"].startswith("neuron ")
    assert list((tmp_path / f"out/data/{place}/sequences").iterdir())
