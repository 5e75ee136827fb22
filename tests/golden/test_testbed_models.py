"""The testbeds' models still train as they did, in one go and after an interruption."""

from __future__ import annotations

import json

import pytest
import torch
from golden import record
from golden import record_testbed_models as models

KEPT = json.loads(models.FILE.read_text())
needs_muon = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="needs torch 2.9")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with record.one_thread():
        yield


@pytest.mark.parametrize("interrupted", [False, True], ids=["whole", "interrupted"])
@pytest.mark.parametrize("name", [pytest.param("code", marks=needs_muon), "series"])
def test_the_numbers_are_those_on_file(name, interrupted):
    kept, found = KEPT["golden"][name], models.golden(name, interrupted)
    if interrupted:  # the steps since the last saved state are done twice, with the same losses
        done = found["exact"]
        assert len(done) == models.STEPS + 2
        assert done[5 : models.CUT] == done[models.CUT : models.CUT + 2]
        found["exact"] = done[:5] + done[models.CUT :]
    if record.fingerprint() == KEPT["fingerprint"]:
        assert found == kept
        return
    for key in ("logged", "exact", "weights"):
        assert found[key] == pytest.approx(kept[key], rel=1e-3), key
