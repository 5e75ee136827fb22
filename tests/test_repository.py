"""Rules that hold for every file of the repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest

import sparsetime

ROOT = Path(__file__).parent.parent
HOUSE = sorted((ROOT / "sparsetime").rglob("*.py"))
PAGES = sorted((ROOT / "sparsetime" / "explorer").rglob("*.js"))
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cff", ".css", ".js", ".j2", ".json", ""}
LONGEST = 300


def listed(*options):
    """Lines of `git ls-files`."""
    command = ["git", "ls-files", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout, so there is no list of its files")
    return done.stdout.splitlines()


def tracked():
    paths = [ROOT / line for line in listed()]
    return [path for path in paths if path.is_file() and path.suffix in TEXT]


# Merging a tracked link replaces the ignored folder of that name, with all that is in it.
def test_no_tracked_file_is_a_link():
    lines = listed("--stage")
    assert lines
    assert [line for line in lines if line.startswith("120000")] == []


@pytest.mark.parametrize("name", [".venv", "node_modules"])
def test_an_environment_is_ignored_also_where_it_is_a_link(name):
    assert listed("--", name) == []
    rules = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {name, f"/{name}"} & set(rules), "a rule with a slash at its end passes over links"


def test_no_file_names_a_package_host():
    # In pieces, so that this file does not name them either.
    hosts = [
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "download" + ".pytorch",
        "index" + "-url",
        "registry" + ".npmjs",
    ]
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        for host in hosts
        if host in path.read_text(encoding="utf-8")
    ]
    assert named == []


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_unpickles(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(import|from) (pickle|cloudpickle|joblib|dill)\b", text)
    # One file writes files that other programs want so; two read those of other packages, with the
    # reader that builds tensors alone.
    where = f"{path.parent.name}/{path.name}"
    assert where == "files/torch_file.py" or not re.search(r"\btorch\.save\(", text)
    calls = re.findall(r"\btorch\.load\(.*", text)
    allowed = where in ("wheels/weights.py", "interop/foreign_files.py", "files/torch_file.py")
    assert all(allowed and "weights_only=True" in call for call in calls)
    assert "allow_pickle=True" not in text


@pytest.mark.parametrize("path", [*HOUSE, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_grows_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_changelog_knows_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {sparsetime.__version__}" in text


def test_the_citation_knows_the_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {sparsetime.__version__}\n" in text


def test_continuous_integration_is_a_shell_script_that_can_be_run():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("goal", ["check", "test", "bench"])
def test_a_goal_of_the_makefile_needs_no_run_and_no_picture(goal):
    done = subprocess.run(["make", "-n", goal], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "runs/" not in done.stdout
    assert "docs/images" not in done.stdout


def test_the_gate_is_every_check():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\ncheck: lint words types imports site snippets web\n" in rules
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.splitlines()[-2:] == ["make check", "make test"]


def test_the_lock_of_the_web_tools_pins_them_and_names_no_address():
    tools = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert tools == {name: locked[f"node_modules/{name}"]["version"] for name in tools}
    assert [name for name, package in locked.items() if "resolved" in package] == []


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "sparsetime" / "py.typed").exists()


def test_the_constraints_pin_every_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    names = [re.split(r"[<>=\[]", name)[0].lower().replace("_", "-") for name in wanted]
    assert [name for name in names if f"\n{name}==" not in pins] == []


#: Packages that bring a torch of their own, or are built against one version of it.
OTHER_TORCHES = {"torchaudio", "torchvision", "torchtext", "torchdata", "torch-nightly", "pytorch"}


def required_by(extras):
    """Every installed package that extras of sparsetime need, directly or not."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found, open_names = set(), [("sparsetime", frozenset(extras))]
    while open_names:
        name, wanted = open_names.pop()
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        for one in map(Requirement, lines):
            environments = [{"extra": extra} for extra in wanted] or [{"extra": ""}]
            if one.marker is None or any(one.marker.evaluate(each) for each in environments):
                key = (canonicalize_name(one.name), frozenset(one.extras))
                if key not in found:
                    found.add(key)
                    open_names.append(key)
    return {name for name, _ in found}


def test_no_extra_brings_another_torch():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = required_by(project["optional-dependencies"])
    assert {"torch", "soundfile", "mne", "av"} <= needed
    assert needed & OTHER_TORCHES == set()
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    names = [line.partition("==")[0] for line in pins if "==" in line]
    assert set(names) & OTHER_TORCHES == set()
    assert names.count("torch") == 1
    # So the list is what the extras resolve to, and not a part of it.
    pinned = {name.replace("_", "-").replace(".", "-") for name in names}
    assert sorted(needed - pinned - {"setuptools"}) == []  # it comes with every environment
