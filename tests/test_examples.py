"""The worked examples on a tenth of their data, and what the docs say of them."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(
    path for path in (ROOT / "examples").glob("*.py") if "from example import" in path.read_text()
)
NAMES = [path.stem for path in EXAMPLES]


@pytest.mark.snippets
@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_runs_on_a_tenth_of_its_data(path, tmp_path):
    command = [sys.executable, str(path), "--small", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    if done.stdout.startswith("skipped: "):
        pytest.skip(done.stdout.strip())
    assert f"sparsetime explore {tmp_path / 'run'}" in done.stdout


def test_a_feature_without_a_test_is_no_discovery():
    discovered = runpy.run_path(str(ROOT / "examples/example.py"))["discovered"]
    assert discovered({"q": 0.0}) and discovered({"a vs b q": 0.05}, "a vs b q")
    assert not discovered({"q": None}) and not discovered({"q": 0.051})


def test_every_example_is_run_by_make_and_has_a_section_of_the_docs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    run = re.search(r"^EXAMPLES := (.*)$", makefile, re.MULTILINE).group(1).split()
    page = (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    assert sorted(run) == NAMES
    assert re.findall(r"`python examples/(\w+)\.py`", page) == run


def test_an_example_without_weights_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = [sys.executable, str(ROOT / "examples/sensors.py"), "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("skipped: aeon 1.6.0 is not here")
    assert "Run `sparsetime testbeds fetch aeon`" in done.stdout
