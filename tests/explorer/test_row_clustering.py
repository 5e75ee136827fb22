"""Order and groups of rows that fire together, on the cases that the page's module meets too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sparsetime.explorer.workbench.row_clustering import cluster_rows

CASES = json.loads((Path(__file__).parents[1] / "web" / "row_clustering.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['cells'])} rows")
def test_places_and_groups_are_those_of_the_shared_cases(case):
    cells = [(np.array(c["columns"], int), np.array(c["strengths"], int)) for c in case["cells"]]
    place, group = cluster_rows(cells, case["columns"])
    assert (place.tolist(), group.tolist()) == (case["place"], case["group"])


def test_rows_of_the_same_steps_are_one_group():
    steps = [np.arange(0, 20), np.arange(0, 20), np.arange(40, 60), np.arange(40, 60)]
    place, group = cluster_rows([(step, np.full(20, 50)) for step in steps], 80)
    assert group[0] == group[1] != group[2] == group[3]
    assert abs(place[0] - place[1]) == abs(place[2] - place[3]) == 1
