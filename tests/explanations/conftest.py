"""Planted texts, explained once."""

from __future__ import annotations

import pytest
from planted_text import planted_texts

import sparsetime as st


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    """The index and the store of planted texts."""
    return planted_texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="session")
def explained(texts):
    """The table of all explanations of planted texts."""
    made, store = texts
    return st.explain(made, store, moments=200, progress=False)
