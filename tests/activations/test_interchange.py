"""Stores as Arrow, PyTorch and Ray read them: the same rows, in order or each once an epoch."""

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pytest
import torch
from range_server import serving
from small_store import values_of, write_store
from torch.utils.data import DataLoader
from toy_models import Blocks

import sparsetime as st
from sparsetime.activations import StepExclusion
from sparsetime.errors import ConfigError, DataError, UnknownNameError

LENGTHS = [5, 1, 12, 3, 9]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("s") / "s", LENGTHS)


def activations(batches):
    return np.concatenate([batch["activation"].to_numpy_ndarray() for batch in batches])


def test_arrow_batches_hold_the_steps_and_their_activations_in_order(store):
    batches = list(store.arrow(8))
    assert [batch.num_rows for batch in batches] == [8, 8, 8, 6]
    assert np.array_equal(activations(batches), values_of(30).numpy())
    steps = pa.Table.from_batches(batches).drop_columns("activation")
    assert steps.to_pydict() == store.steps().to_pydict()
    assert batches[0].schema.field("activation").type.shape == [3]
    part = store.split(0.4)[1]
    assert np.array_equal(activations(part.arrow()), part.read(0, len(part)).numpy())
    named = next(store.arrow(4, columns=["position"]))
    assert named.schema.names == ["position", "activation"]
    with pytest.raises(UnknownNameError, match="'nothing'"):
        next(store.arrow(columns=["nothing"]))
    with pytest.raises(ConfigError, match=r"got batch=0, expected a number of steps"):
        store.arrow(0)


def test_arrow_has_what_is_stored_alone_and_every_dtype(tmp_path):
    x = [torch.randn(9, 3, generator=torch.Generator().manual_seed(n)) for n in range(3)]
    options = {"dtype": "bfloat16", "progress": False, "exclusion": StepExclusion(first=2)}
    made = st.capture(Blocks(), x, "enter", tmp_path / "s", **options)
    table = pa.Table.from_batches(list(made.arrow(5)))
    assert table["position"].to_pylist() == list(range(2, 9)) * 3
    kept = made.read(0, 27)[torch.from_numpy(made.stored_steps)]
    assert np.array_equal(activations(made.arrow(5)), kept.numpy())


def test_polars_reads_the_parquet_and_the_arrow_batches(store):
    steps = polars.concat(
        [
            polars.read_parquet(path)
            for path in sorted(Path(store.path).glob("shards/??????.parquet"))
        ]
    )
    assert steps["position"].to_list() == [p for n in LENGTHS for p in range(n)]
    counts = steps.group_by("kind").len().sort("kind")
    assert counts["len"].to_list() == [10, 10, 10]
    sequences = polars.read_parquet(f"{store.path}/sequences.parquet")
    assert sequences["length"].to_list() == LENGTHS


def test_workers_of_a_loader_give_every_row_once(store):
    for workers in (0, 2):
        loader = DataLoader(store.torch_dataset(4), batch_size=None, num_workers=workers)
        rows = torch.cat(list(loader))
        assert torch.equal(rows[:, 0].sort().values, torch.arange(30.0))
    dataset = store.torch_dataset(30)
    first = next(iter(dataset))
    dataset.set_epoch(1)
    assert not torch.equal(first, next(iter(dataset)))
    with pytest.raises(DataError, match=r"shows 1 sequences, fewer than the 2 workers"):
        list(
            DataLoader(
                store.of_sequences(np.array([1])).torch_dataset(4), batch_size=None, num_workers=2
            )
        )


def test_a_dataset_of_a_remote_store_goes_to_another_process(store, tmp_path):
    with serving(Path(store.path)) as server:
        remote = st.open_store(server.url, cache=tmp_path / "cache")
        dataset = remote.torch_dataset(30)
        again = pickle.loads(pickle.dumps(dataset))  # noqa: S301
        assert torch.equal(next(iter(again)), next(iter(dataset)))
        dataset._process = -1  # as in a worker that was forked
        with pytest.raises(ConfigError, match=r"this worker was forked .* multiprocessing_context"):
            iter(dataset)


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_without_ray_it_is_said(store):
    with pytest.raises(ConfigError, match=r"Ray Data is not installed; install it with pip inst"):
        st.activations.ray_datasource(store)


def test_read_tasks_of_ray_cover_the_view(store, monkeypatch):
    """The interface of Ray Data, by stand-ins where it is not installed."""
    from types import ModuleType, SimpleNamespace

    ray, data, block = ModuleType("ray"), ModuleType("ray.data"), ModuleType("ray.data.block")
    data.Datasource = object
    data.ReadTask = lambda read, about: SimpleNamespace(read=read, about=about)
    block.BlockMetadata = SimpleNamespace
    for module in (ray, data, block):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    view = store.split(0.4)[0]
    tasks = st.activations.ray_datasource(view).get_read_tasks(2)
    assert [task.about.num_rows for task in tasks] == [
        int(view.segments.lengths[:2].sum()), int(view.segments.lengths[2:].sum())
    ]  # fmt: skip
    tables = [table for task in tasks for table in task.read()]
    assert np.array_equal(
        activations(table.to_batches()[0] for table in tables), view.read(0, len(view)).numpy()
    )
    with pytest.raises(ConfigError, match=r"got a view of .* that cuts sequences"):
        st.activations.ray_datasource(store.split_by_time(0.3)[0])
