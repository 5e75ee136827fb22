"""sparsetime match prints the nearest features and the null."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    at = tmp_path_factory.mktemp("two")
    for name, seed in (("a", 0), ("b", 0)):
        st.dictionary("topk", d_in=8, width=6, k=2, seed=seed).save(at / name)
    return at


def run(*arguments):
    return CliRunner().invoke(app, ["match", *map(str, arguments)])


def test_it_prints_pairs_and_how_many_are_beyond_the_null(folder):
    result = run(folder / "a", folder / "b")
    assert result.exit_code == 0, result.output
    assert "6 features on the left, 6 mutual, 6 beyond the null" in result.output
    assert "random directions" in result.output


def test_what_is_missing_is_said(folder):
    result = run(folder / "a", folder / "b", "--by", "codes")
    assert result.exit_code == 2 and "without a store" in " ".join(result.output.split())
