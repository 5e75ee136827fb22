"""Every recipe still computes what it did: numbers recorded by `record.py`.

The same processor and torch must give the same bits, where no kernel was compiled in this process;
others the same numbers within 1e-3. A change of arithmetic that is meant is recorded again, and
shows in the diff of the file.
"""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from golden import record

from sparsetime.dictionaries import Component
from sparsetime.registry import ROLES, components_of

KEPT = json.loads(record.RECIPES.read_text())


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with record.one_thread():
        yield


@pytest.mark.parametrize("name", record.names())
def test_the_numbers_are_those_on_file(name):
    assert name in KEPT["golden"], f"record it: python tests/golden/record.py {name}"
    kept = dict(KEPT["golden"][name])
    same = record.fingerprint() == kept.pop("fingerprint", KEPT["fingerprint"])
    with nullcontext() if same else record.selection_in_float32():
        found = record.golden(name)
    if same and not record.compiled_here():
        assert found == kept
        return
    assert found["curves"].keys() == kept["curves"].keys()
    for key, curve in kept["curves"].items():
        assert found["curves"][key] == pytest.approx(curve, rel=1e-3, abs=1e-6), key
    for key in ("entries", "sum_of_values", "sum_of_squares", "decoded_squares"):
        assert found[key] == pytest.approx(kept[key], rel=1e-3), key


def test_nothing_is_on_file_that_is_gone():
    assert list(KEPT["golden"]) == record.names()


def test_every_part_has_golden_numbers():
    covered = set().union(*map(record.kinds, record.names()))
    known = {
        (role, kind)
        for role in ROLES
        for kind, part in components_of(role).items()
        if issubclass(part, Component)
    }
    assert covered >= known, sorted(known - covered)
