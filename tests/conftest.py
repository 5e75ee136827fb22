"""What every test runs under: shapes and types checked at run time, and no network."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import jaxtyping
import pytest
import shape_checker
import torch
from browsing import launched
from hypothesis import settings

TESTS = Path(__file__).parent

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
    shape_checker.checkable(TESTS.parent / "sparsetime", "sparsetime"),
    "shape_checker.checked",
)


def pytest_runtest_setup():
    shape_checker.count_calls_from_zero()


def pytest_collection_finish():
    # What is imported lives to the end, and each full collection took half a second to see that.
    gc.freeze()


def pytest_sessionfinish():
    gc.unfreeze()


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


# Files with tests of many seconds, which come first: workers that share out what is left at the
# end are then left with short ones.
LONG = (
    "comparison/test_leaderboard.py",
    "demo/test_pipeline.py",
    "explorer/test_openapi.py",
    "kernels/test_gpu.py",
    "test_damage.py",
    "testbeds/test_prose_corpus.py",
    "training/distributed",
    "training/test_train.py",
)


def pytest_collection_modifyitems(items):
    first = tuple(str(TESTS / name) for name in LONG)
    items.sort(key=lambda item: not str(item.path).startswith(first))
