"""The commands attend, sweep and heads on a small language model."""

import pytest
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app

MODEL = "sparsetime.testbeds:code_model"


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    file = tmp_path_factory.mktemp("texts") / "a.txt"
    file.write_text("def f(x):\n    return x + 1\n\n\n" * 40)
    return file


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_attend_reports_every_module(texts):
    arguments = ("--data", texts, "--length", 32, "--windows", 2, "--sparsity", 0.5)
    shown = run("attend", MODEL, "exact_top_k", *arguments)
    assert "model.layers.3.self_attn" in shown
    assert "of the pairs left out, 0.5 asked for" in shown


def test_attention_is_kept_for_the_explorer(texts, tmp_path):
    small = ("--data", texts, "--length", 32, "--windows", 1, "--sparsity", 0.5)
    kept = ("--beside", "sliding_window", "--keep", tmp_path / "a")
    assert "sparsetime explore RUN" in run("attend", MODEL, "exact_top_k", *small, *kept)
    about = st.attention.open_attention(tmp_path / "a").about
    assert [one["name"] for one in about["policies"]] == ["exact_top_k", "sliding_window"]
    shares = [one["sparsity"] for one in about["heads"][0]["policies"]]
    assert shares == pytest.approx([0.5, 0.5], abs=0.1)
    arguments = ["attend", MODEL, "exact_top_k", *map(str, small), "--beside", "sliding_window"]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert "got --beside or --store without --keep" in " ".join(refused.output.split())


def test_sweep_and_heads(texts):
    small = ("--data", texts, "--length", 32, "--windows", 2)
    shown = run("sweep", MODEL, "sliding_window", *small, "--sparsity", 0.5)
    assert "sliding_window, repeats, prefill: at most" in shown
    assert "copy score" in run("heads", MODEL, *small, "--shown", 2)


def test_texts_that_are_too_short_are_refused(texts):
    arguments = ["heads", MODEL, "--data", str(texts), "--length", "100", "--windows", "90"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "windows of 100 tokens, expected 90; give more text" in " ".join(result.output.split())
