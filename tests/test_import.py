"""The public names: a fast import without torch, and every name exists and is documented."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from types import ModuleType

import pytest
import shape_checker

import sparsetime

TIMED = """
import time
began = time.perf_counter()
import sparsetime
took = time.perf_counter() - began
import sys
print(took, "torch" in sys.modules)
"""


def test_the_import_takes_less_than_half_a_second():
    timings = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", TIMED], capture_output=True, text=True)
        took, torch = done.stdout.split()
        timings.append(float(took))
        assert torch == "False"
    assert min(timings) < 0.5


WAITING = """
import os
import sparsetime
print(os.environ.get("OMP_WAIT_POLICY"), os.environ.get("GOMP_SPINCOUNT"))
"""


@pytest.mark.parametrize(
    ("given", "set_on_import"),
    [
        ({}, "passive 20000"),
        ({"OMP_WAIT_POLICY": "active"}, "active None"),
        ({"GOMP_SPINCOUNT": "7"}, "passive 7"),
    ],
)
def test_idle_threads_wait_unless_the_user_says_otherwise(given, set_on_import):
    without = {
        k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    command = [sys.executable, "-c", WAITING]
    done = subprocess.run(command, capture_output=True, text=True, env=without | given)
    assert done.stdout.strip() == set_on_import


NAMESPACES = [
    name for name in sparsetime.__all__ if isinstance(getattr(sparsetime, name), ModuleType)
]


@pytest.mark.parametrize("name", sparsetime.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert inspect.getdoc(getattr(sparsetime, name)), f"sparsetime.{name} has no docstring"


@pytest.mark.parametrize("namespace", [name for name in NAMESPACES if name != "errors"])
def test_every_name_of_a_namespace_is_documented_and_no_module(namespace):
    owner = getattr(sparsetime, namespace)
    assert owner.__all__
    for name in owner.__all__:
        value = getattr(owner, name)
        # A module of the same name must not replace it, also when it is imported afterwards; one
        # that is a namespace of its own replaces nothing.
        if isinstance(value, ModuleType):
            assert getattr(sparsetime, name, None) is value, f"{namespace}.{name} is a module"
        assert inspect.getdoc(value), f"sparsetime.{namespace}.{name} has no docstring"
        assert getattr(owner, name) is value


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No sparsetime attribute captrue"):
        sparsetime.captrue  # noqa: B018


def test_dir_lists_the_public_names():
    assert set(sparsetime.__all__) <= set(dir(sparsetime))


def test_shapes_are_checked_under_test():
    import torch

    from sparsetime.codes import SparseCode

    with pytest.raises(Exception, match="offsets"):
        SparseCode(offsets=torch.zeros(2, 2), indices=None, values=None, width=3, shape=(1,))


def test_shapes_are_checked_again_and_again():
    """In the first calls of a test, and after a training has called a function many times."""
    import torch
    from jaxtyping import TypeCheckError

    from sparsetime.statistics.fvu import fvu

    x = torch.randn(8, 3)
    with pytest.raises(TypeCheckError, match="fvu"):
        fvu(x, x[:4])
    for _ in range(shape_checker.FIRST):
        fvu(x, x)
    refused = 0
    for _ in range(4 * shape_checker.ONE_IN):
        try:
            fvu(x, x[:1])
        except TypeCheckError:
            refused += 1
    assert refused == 4


def test_shape_checking_covers_the_package():
    from pathlib import Path

    modules = shape_checker.checkable(Path(sparsetime.__file__).parent, "sparsetime")
    assert "sparsetime.codes" in modules
    assert "sparsetime.activations" in modules
    assert not [name for name in modules if name in ("sparsetime", "sparsetime.kernels")]
