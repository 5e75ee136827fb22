"""Layout of the package: lengths of files, names of classes, and the paths of the questions."""

import ast
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest
from house.test_questions import answered_paths

import sparsetime

PACKAGE = Path(sparsetime.__file__).parent
ROOT = PACKAGE.parent
LONGEST = 300  # lines
SOURCES = [path for path in sorted(PACKAGE.rglob("*")) if path.suffix in {".py", ".js"}]


def length(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_longer_than_the_limit():
    long = {str(path.relative_to(ROOT)): length(path) for path in SOURCES if length(path) > LONGEST}
    assert long == {}


def test_the_tree_of_the_readme_names_every_room_and_shared_module():
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("## The tree")[1].split()
    own = (path for path in PACKAGE.iterdir() if not path.name.startswith(("_", ".")))
    rooms = {f"{path.name}/" for path in own if path.is_dir()}
    modules = {path.name for path in PACKAGE.glob("[!_]*.py")}
    assert {name for name in rooms | modules if name not in tree} == set()


def test_most_files_are_short():
    assert sum(length(path) < LONGEST / 2 for path in SOURCES) > 0.8 * len(SOURCES)


def test_no_public_class_name_is_defined_twice():
    homes = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_no_public_name_is_a_file_or_folder_at_the_top_of_the_package():
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    names = {
        name for name in sparsetime.__all__ if not isinstance(getattr(sparsetime, name), ModuleType)
    }
    assert names & modules == set()


@pytest.mark.parametrize(("number", "paths"), sorted(answered_paths().items()))
def test_the_answers_of_a_question_exist(number, paths):
    assert [path for path in paths if not (ROOT / path).exists()] == []
