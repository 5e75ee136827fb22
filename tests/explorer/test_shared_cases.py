"""Row choice and enrichment, on the cases that the pages' module is tested on too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sparsetime.codes import SparseCode
from sparsetime.explorer.row_choice import FeatureTable, choose
from sparsetime.features.enrichment import enrichment

CASES = json.loads((Path(__file__).parents[1] / "web" / "row_choice.json").read_text())
pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda case: f"width {case['width']}")


def test_rows_are_those_of_the_shared_cases(case):
    table = FeatureTable(
        dwell=np.array(case["dwell"]),
        density=np.array(case["density"]),
        peak=np.array(case["peak"]),
        words=[[]] * case["width"],
        groups=tuple(case["groups"]),
    )
    features = np.array(case["features"])
    values = np.array(case["percents"]) * table.peak[features]
    assert choose(features, values, table, case["rows"]).tolist() == case["chosen"]


def test_enrichment_is_that_of_the_shared_cases(case):
    dense = torch.zeros(len(case["offsets"]) - 1, case["width"])
    for step, (first, stop) in enumerate(zip(case["offsets"], case["offsets"][1:], strict=False)):
        dense[step, case["features"][first:stop]] = 1.0
    features, nats = enrichment(SparseCode.from_dense(dense), np.array(case["density"]))
    assert features.tolist() == case["enriched"]
    np.testing.assert_allclose(nats, case["nats"], rtol=1e-6)
