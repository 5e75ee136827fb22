"""The commands sparsify and cost, on a small language model."""

import pytest
from computation.test_measures import llama
from typer.testing import CliRunner

from sparsetime.cli import app

CODE = """
def model():
    from computation.test_command import with_tokenizer
    return with_tokenizer()
"""


def with_tokenizer():
    """A model of 40 words, and a tokenizer that counts letters."""
    from sparsetime.models.load import load_model

    class Letters:
        model_max_length = 32

        def __call__(self, text, **_):
            return {"input_ids": [ord(letter) % 40 for letter in text]}

    return load_model(llama(), Letters())


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "text.txt").write_text("The river carries a long road, every number. " * 3)
    return tmp_path


def run(*words):
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_model_is_thinned_saved_and_counted(work):
    said = run("sparsify", "code.py:model", "wanda", "--sparsity", "0.5", "--data", "text.txt",
               "--site", "model.layers.*.mlp", "--out", "sparse")  # fmt: skip
    assert "50.0% of all weights of these matrices are left out" in said
    said = run("cost", "code.py:model", "--data", "text.txt", "--sparse", "sparse")
    assert "% of the multiplications of dense matrices are needed" in said
    assert "not measured" in said


def test_cost_without_texts_or_a_run_is_one_line(work):
    result = CliRunner().invoke(app, ["cost", "code.py:model"])
    assert result.exit_code == 2
    assert "got neither --data nor --keep" in " ".join(result.output.split())


def test_a_sparsity_out_of_range_is_one_line(work):
    result = CliRunner().invoke(
        app, ["sparsify", "code.py:model", "magnitude", "--sparsity", "1.5", "--out", "sparse"]
    )
    assert result.exit_code == 2
    assert "got sparsity=1.5, expected the share" in " ".join(result.output.split())
