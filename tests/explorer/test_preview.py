"""The first picture: from the indexes alone, without what is slow to load, replaced when it can."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from small_run import add_dictionary, prose, write_store

from sparsetime.explorer.workbench.preview import preview
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder

LOOKS = """
import sys
from sparsetime.explorer.server import app
from sparsetime.explorer.workbench.preview import preview
from sparsetime.files import Folder
seen = preview(Folder(sys.argv[1]))
assert seen.dictionaries and seen.dictionaries[0].rows
print(*sorted({"torch", "numba", "scipy", "pandas", "transformers", "plotly"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 40) for n in range(3)])
    for name in ("batch_topk", "temporal_matryoshka"):
        add_dictionary(folder, store, name)
    return folder


def test_a_glance_shows_what_the_code_holds(run):
    seen = preview(Folder(str(run)))
    assert [each.key for each in seen.dictionaries] == ["temporal_matryoshka", "batch_topk"]
    opened = Workbench(run).opened
    for each in seen.dictionaries:
        code = opened.code(each.key, each.sequence).row_slice(each.first, each.stop)
        fires = np.bincount(code.indices.numpy(), minlength=code.width)
        assert 0 < len(each.rows) <= 40
        assert all(len(row.columns) in fires for row in each.rows)
        assert sum(len(row.columns) for row in each.rows) <= len(code.indices)
        assert all(0 <= c < each.stop - each.first for row in each.rows for c in row.columns)
        assert all(1 <= s <= 100 for row in each.rows for s in row.strengths)


def test_a_glance_loads_nothing_slow(run):
    said = subprocess.run(
        [sys.executable, "-c", LOOKS, str(run)], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == ""


def test_a_damaged_index_is_passed_over_until_the_run_is_read(run, tmp_path):
    import shutil

    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "batch_topk/features/features.parquet").write_bytes(b"PAR1")
    (copy / "temporal_matryoshka/features/index.json").write_text(json.dumps({"half": "written"}))
    assert preview(Folder(str(copy))).dictionaries == []
    opened = Workbench(copy).opened
    assert opened.shown == {} and len(opened.notes) == 2
