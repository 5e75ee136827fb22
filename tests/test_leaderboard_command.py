"""sparsetime leaderboard: from names to a page, in one command."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sparsetime.cli import app
from sparsetime.cli.run_file import LeaderboardSection
from sparsetime.comparison import leaderboard as module
from sparsetime.comparison.grid import cells
from sparsetime.comparison.settings import SMALL
from sparsetime.config import read_config

BED = (
    "beds.synthetic={sequences: 10, time: 100, d: 8, width: 6, active: 2.0, families: 0, pairs: 0, "
    "bidirectional: 0, circles: 0, state_features: 0}"
)


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["leaderboard", *map(str, arguments)])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_leaderboard_ends_in_tables_and_a_page(tmp_path):
    grid = ("--recipe", "topk", "--recipe", "batch_topk", "--width", 8, "--k", 2, "--seed", 0)
    own = ("--rows", 500, "--set", "train.batch=100", "--set", BED, "--set", "ladder={}")
    output = run(*grid, *own, "--out", tmp_path / "run").stdout
    assert "synthetic, width 8" in output and "FVU at L0" in output
    assert "report.html: open it in a browser" in output
    assert "2 dictionaries of 2 recipes" in (tmp_path / "run/report.html").read_text()


def test_the_small_grid_can_be_narrowed(tmp_path, monkeypatch):
    seen = {}

    def check(every, chosen):
        seen.update(every=every, chosen=chosen)

    def narrowed(*flags):
        result = CliRunner().invoke(
            app, ["leaderboard", "--small", *flags, "--out", str(tmp_path / "run")]
        )
        assert isinstance(result.exception, TypeError)  # the testbed, which would take long

    monkeypatch.setattr(module, "_check_recipes", check)
    monkeypatch.setattr(module, "split_testbed", None)
    narrowed("--bed", "series")
    assert seen["chosen"].beds == {"series": SMALL["beds"]["series"]}
    narrowed("--bed", "series", "--set", "beds.series.steps=50")
    assert seen["chosen"].beds == {"series": {"steps": 50}}
    narrowed("--seed", "7")
    assert {cell.seed for cell in seen["every"]} == {7}
    assert {cell.bed for cell in seen["every"]} == {"synthetic", "python", "prose", "series"}


def test_what_cannot_be_is_one_red_line(tmp_path):
    result = run("--recipe", "batch_topk", "--recipe", "slowfast", "--out", tmp_path, code=2)
    assert "did you mean 'slow_fast'" in result.stderr
    assert "'out' is not given" in run("--small", code=2).stderr


def test_the_run_file_of_the_wide_grid_is_valid():
    path = Path(__file__).parents[1] / "benchmarks/leaderboard_wide.yaml"
    flags = {"out": "runs/wide", "train.learning_rate": 0.004}
    chosen = read_config(path, LeaderboardSection, flags, section="leaderboard")
    assert chosen.train.learning_rate == 0.004 and chosen.train.rows == 60_000
    assert chosen.ladder.keys() < chosen.beds.keys() and chosen.beds["series"] == {}
    assert len(cells(chosen)) == 4 * 2 * 3 * 3 * 4
    module._check_recipes(cells(chosen), chosen)
