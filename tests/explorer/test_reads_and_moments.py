"""Lanes of a sequence model: reads by lag, surprise, and saved moments, of the same recordings."""

import base64

import numpy as np
import pytest
import torch
from small_run import add_untrained

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError
from sparsetime.explorer.workbench.extra_stores import block_of, strongest
from sparsetime.explorer.workbench.moments_view import moments
from sparsetime.explorer.workbench.reads_view import reads
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder
from sparsetime.moments.saved_moments import read_moments

SITES = ["blocks.0", "blocks.0:reads", "blocks.0:surprise"]
STEPS = 30


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lanes")
    values = torch.randn(2, STEPS, 2, generator=torch.Generator().manual_seed(0))
    net = st.sequence_model("titans", d_in=2, d=16, heads=2, layers=1)
    documents = [st.Document(f"r{i}", values=x, step=0.5) for i, x in enumerate(values)]
    stores = st.capture(net, documents, SITES, folder / "activations", progress=False)
    add_untrained(folder, stores[0], "topk")
    found = st.find_moments(stores[2], "top", query=lambda rows: rows.mean(1), budget=3)
    found.save(folder / "moments", "most")
    return folder, stores, found


def bytes_of(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape).astype(float)


def test_reads_are_the_mean_of_heads_by_lag_with_their_sign(run):
    folder, stores, _ = run
    view = reads(Workbench(folder).opened, "topk", 1, 5, 25)
    (site,) = view.sites
    assert (site.site, site.lags, site.columns, site.stride) == ("blocks.0:reads", 64, 20, 1)
    shown = (bytes_of(site.levels, 65, 20) - 128) / 127 * site.top
    expected = stores[1].sequence(1).values[5:25].unflatten(1, (2, 65)).mean(1).T.numpy()
    assert np.abs(shown - expected).max() <= site.top / 250
    assert expected.min() < 0 < expected.max()


def test_moments_and_surprise_are_of_the_sequence_and_segment(run):
    folder, stores, found = run
    opened = Workbench(folder).opened
    view = moments(opened, "topk", 1)
    (curve,) = view.surprise
    expected = stores[2].sequence(1).values.mean(1).numpy()
    shown = bytes_of(curve.levels, STEPS) / 255 * curve.top
    assert np.abs(shown - expected).max() <= curve.top / 250
    (named,) = view.found
    own = [row for row in found.table.to_pylist() if row["sequence"] == "r1"]
    assert named.name == "most" and len(named.moments) == 3
    assert {one.first for one in named.moments} == {row["first_step"] for row in own}
    assert max(one.share for one in named.moments) <= 1
    first = min(one.first for one in named.moments)
    part = moments(opened, "topk", 1, first, first + 1)
    assert {one.first for one in part.found[0].moments} == {first}


def test_an_index_of_the_last_half_has_the_lanes_of_that_half(run, tmp_path):
    folder, stores, found = run
    for name in ("activations", "moments"):
        (tmp_path / name).symlink_to(folder / name)
    add_untrained(tmp_path, st.split(stores[0], "time", held_out=0.5).held_out, "topk")
    opened = Workbench(tmp_path).opened
    half = opened.dictionary("topk").index.sequences["length"][1].as_py()
    assert half == STEPS // 2
    whole = Workbench(folder).opened
    part, expected = (reads(one, "topk", 1, *at).sites[0] for one, at in (
        (opened, (0, half)), (whole, (STEPS - half, STEPS)),
    ))  # fmt: skip
    assert part.levels == expected.levels
    begins = {row["first_step"] for row in found.table.to_pylist() if row["sequence"] == "r1"}
    shown = {one.first for named in moments(opened, "topk", 1).found for one in named.moments}
    assert shown == {begin - half for begin in begins if begin >= half} and shown


def test_stores_of_other_recordings_and_damaged_moments_are_left_out(run, tmp_path):
    folder, stores, _ = run
    assert block_of("blocks.3.mixer.sites.reads") == "blocks.3"
    add_untrained(tmp_path, stores[0], "topk")
    (tmp_path / "activations").symlink_to(folder / "activations" / "blocks.0")
    opened = Workbench(tmp_path).opened
    assert reads(opened, "topk", 0).sites == ()
    assert moments(opened, "topk", 0).found == ()
    (tmp_path / "moments").mkdir()
    (tmp_path / "moments" / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(DamagedError, match="Find the moments again"):
        read_moments(Folder(str(tmp_path / "moments")))
    assert moments(opened, "topk", 0).found == ()


def test_saved_moments_are_read_again_and_a_bad_name_is_refused(run, tmp_path):
    _, _, found = run
    path = found.save(tmp_path, "a-b")
    assert path.endswith("/a-b.parquet")
    assert read_moments(Folder(str(tmp_path)))["a-b"].equals(found.table)
    with pytest.raises(ConfigError, match="expected letters, digits"):
        found.save(tmp_path, "a/b")


def test_many_steps_are_joined_by_the_strongest():
    values = np.zeros((2500, 2))
    values[1201, 0], values[77, 1] = -3, 2
    columns, stride = strongest(values)
    assert columns.shape == (1000, 2) and stride == 2.5
    assert columns[:, 0].min() == -3 and columns[:, 1].max() == 2
