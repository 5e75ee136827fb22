"""What every test runs under: shapes and types checked at run time, and no network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from browsing import launched
from hypothesis import settings
from jaxtyping import install_import_hook
from shape_checker import checkable

# A busy machine is no failure; a test that hangs meets pytest's own timeout.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Triton reads this when it is first imported, which transformers does too.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

install_import_hook(
    checkable(Path(__file__).parent.parent / "sparsetime", "sparsetime"), "shape_checker.checked"
)


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser
