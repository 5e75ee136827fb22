"""What every test runs under: shapes and types checked at run time, and no network."""

from __future__ import annotations

import os
from pathlib import Path

import jaxtyping
import pytest
import shape_checker
import torch
from browsing import launched
from hypothesis import settings

# A busy machine is no failure; a test that hangs meets pytest's own timeout.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Triton reads this when it is first imported, which transformers does too.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Tests kill processes, and the system keeps what those wrote; only a power cut needs it on a disk.
os.fsync = lambda descriptor: None

jaxtyping.jaxtyped = shape_checker.jaxtyped
jaxtyping.install_import_hook(
    shape_checker.checkable(Path(__file__).parent.parent / "sparsetime", "sparsetime"),
    "shape_checker.checked",
)


def pytest_runtest_setup():
    shape_checker.count_calls_from_zero()


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser
