"""Golden numbers of what claims measure with, and the summary of all that the package carries."""

import json

import pytest
from golden import record, record_claim_tools, ship

from sparsetime.claims.verdicts.golden import GOLDEN, golden_numbers

KEPT = json.loads(record_claim_tools.FILE.read_text())["golden"]


def test_the_tools_of_claims_compute_what_is_on_file(tmp_path):
    with record.one_thread(), record.selection_in_float32():
        numbers = record_claim_tools.golden(tmp_path)
    assert numbers.keys() == KEPT.keys()
    for name, kept in KEPT.items():
        assert numbers[name] == pytest.approx(kept, rel=1e-3, abs=1e-6), name


def test_the_package_carries_the_golden_numbers_of_the_suite():
    assert golden_numbers() == ship.summary(), "run: python tests/golden/ship.py"
    assert json.loads(GOLDEN.read_text()) == golden_numbers()
