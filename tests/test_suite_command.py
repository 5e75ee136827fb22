"""sparsetime suite: from texts to a page, in one command."""

import pytest
from small_model import write_model, write_texts
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    write_model(folder / "my-model")
    write_texts(folder / "texts")
    return folder


def run(*arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output + result.stderr
    return result


def command(work, out, *own):
    return (
        *("suite", "--model", work / "my-model", "--data", work / "texts"),
        *("--sites", "encoder.layer.*", "--width", 48, "--width", 64, "--k", 4),
        *("--rows", 2000, "--set", "train.batch=100", "--out", out, *own),
    )


def test_a_suite_ends_in_a_table_and_a_page(work, tmp_path):
    output = run(*command(work, tmp_path / "run")).stdout
    assert "encoder.layer.1" in output and "FVU" in output
    assert "report.html: open it in a browser" in output
    page = (tmp_path / "run" / "report.html").read_text()
    assert "4 dictionaries of 2 sites" in page and "<svg" in page
    sae = st.load(tmp_path / "run" / "encoder.layer.1-64")
    assert sae.width == 64 and sae.to_config()["sparsifier"]["k"] == 4


def test_what_cannot_be_is_one_red_line(work, tmp_path):
    result = run(*command(work, tmp_path / "run", "--sites", "encoder.layr.*"), code=2)
    assert "unknown sites 'encoder.layr.*'" in result.stderr
    result = run(*command(work, tmp_path / "run", "--context", 16), code=2)
    assert "gives no logits" in result.stderr
    result = run("suite", "--model", "m", "--data", "d", code=2)
    assert "sites" in result.stderr and "width" in result.stderr and "out" in result.stderr
    assert not (tmp_path / "run").exists()
