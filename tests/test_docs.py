"""Every code block of the README and the docs, executed as a reader would.

Page by page and in order, in a folder that holds `my-model`, `texts` and a small run in `runs/x`.
Python blocks of a page share one namespace. A yaml block whose first line is a comment naming a
file is written there. Commands in text blocks are not run, but must parse.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
import yaml
from small_model import write_model, write_texts
from typer.main import get_command
from typer.testing import CliRunner

from sparsetime.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ROOT / "docs" / "rooms"
MOVED_NAMES = (ROOT / "docs" / "moved-names.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
LANGUAGES = {"python", "bash", "yaml", "text", "json"}
SMALL_RUN = {
    "capture": ("--model my-model --data texts --site encoder.layer.1 --out runs/x/activations"),
    "train": (
        "--store runs/x/activations --recipe topk --width 64 --k 4 --rows 2000 --batch 128 "
        "--out runs/x/topk"
    ),
}


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """The `sparsetime` commands of a shell block, as lists of arguments."""
        lines = self.text.replace("\\\n", " ").splitlines()
        stripped = [line.strip().removeprefix("$ ") for line in lines]
        return [
            shlex.split(line, comments=True)[1:]
            for line in stripped
            if line.startswith("sparsetime ")
        ]


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text[: found.start()].count("\n") + 1, found[2], dedent(found[3]))
        for found in FENCE.finditer(text)
    ]


ALL = [block for page in PAGES for block in blocks(page)]
RUNNABLE = [page for page in PAGES if {b.language for b in blocks(page)} & {"python", "bash"}]


def named(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The folder that every page starts from."""
    folder = tmp_path_factory.mktemp("reader")
    write_model(folder / "my-model")
    write_texts(folder / "texts")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command, flags in SMALL_RUN.items():
            invoke([command, *flags.split()])
    return folder


def invoke(arguments):
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 0, f"sparsetime {shlex.join(arguments)}\n{result.output}"


@pytest.mark.snippets
@pytest.mark.parametrize("page", RUNNABLE, ids=named)
def test_the_blocks_of_a_page_run(page, prepared, tmp_path, monkeypatch):
    folder = tmp_path / "reader"
    shutil.copytree(prepared, folder)
    if page.name in ("README.md", "index.md"):
        # These pages make things that the others start from.
        shutil.rmtree(folder / "runs" / "x")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["python"])
    namespace = {"__name__": "__main__"}
    for block in blocks(page):
        # Empty lines put the block where it stands in its page, so that tracebacks point there.
        if block.language == "python":
            code = "\n" * block.line + block.text
            exec(compile(code, str(page), "exec", dont_inherit=True), namespace)
        elif block.language == "bash":
            for arguments in block.commands:
                invoke(arguments)
        elif block.language == "yaml":
            name = re.match(r"# (\S+)\n", block.text)
            yaml.safe_load(block.text)
            if name:
                (folder / name[1]).write_text(block.text, encoding="utf-8")


def test_every_fence_says_what_it_is():
    odd = [f"{named(b.page)}:{b.line}: {b.language!r}" for b in ALL if b.language not in LANGUAGES]
    assert odd == []


def test_every_fence_is_closed():
    for page in PAGES:
        fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(blocks(page)), named(page)


def test_every_command_that_is_only_shown_exists():
    group = get_command(app)
    for block in ALL:
        if block.language in ("text", "bash"):
            for arguments in block.commands:
                if arguments and not arguments[0].startswith("-"):
                    command = group.commands.get(arguments[0])
                    where = f"{named(block.page)}:{block.line}: {shlex.join(arguments)}"
                    assert command is not None, where
                    if "--help" not in arguments:
                        command.make_context(arguments[0], arguments[1:])


def test_every_make_target_that_is_shown_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {
        name for line in re.findall(r"^([\w ]+):", makefile, re.MULTILINE) for name in line.split()
    }
    for page in PAGES:
        shown = set(re.findall(r"\bmake (\w+)", "\n".join(b.text for b in blocks(page))))
        shown |= set(re.findall(r"`make (\w+)`", page.read_text(encoding="utf-8")))
        assert shown <= targets, named(page)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_holds_a_note_to_its_writer(page):
    comments = re.findall(r"<!--\s*(.*?)\s*-->", page.read_text(encoding="utf-8"), re.DOTALL)
    assert [note for note in comments if not note.startswith("generated: ")] == []


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent != ROOMS], ids=named)
def test_a_page_imports_sparsetime_before_torch(page):
    # The variable that sparsetime sets is read once, when torch is loaded.
    code = "\n".join(block.text for block in blocks(page) if block.language == "python")
    imported = [
        name
        for line in ast.parse(code).body
        if isinstance(line, ast.Import | ast.ImportFrom)
        for name in [getattr(line, "module", None), *(alias.name for alias in line.names)]
    ]
    names = [name.split(".")[0] for name in imported if name]
    assert [name for name in names if name in ("sparsetime", "torch")][:1] != ["torch"]


def test_every_benchmark_of_the_docs_exists():
    for page in PAGES:
        shown = set(re.findall(r"benchmarks/\w+\.(?:py|yaml)", page.read_text(encoding="utf-8")))
        assert [name for name in sorted(shown) if not (ROOT / name).is_file()] == [], named(page)


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent == ROOT], ids=named)
def test_every_link_of_a_page_outside_the_site_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    # Pictures are drawn by `make picture`, from a run that a fresh checkout does not have.
    kept = [x for x in links if "://" not in x and not x.startswith("docs/images/")]
    assert [x for x in kept if not (page.parent / x).exists()] == []


def test_the_recipes_page_has_every_recipe():
    import sparsetime

    text = generated("recipes.md")
    assert [card.name for card in sparsetime.recipes() if f"## `{card.name}`" not in text] == []


def test_the_reference_pages_have_every_public_name():
    import sparsetime

    pages = {"": generated("reference.md")}
    for name in sparsetime.__all__:
        if isinstance(getattr(sparsetime, name), ModuleType):
            pages[name] = generated(f"reference/{name}.md")
            assert f"(reference/{name}.md)" in pages[""]
    shown = {room: re.findall(r"^::: [\w.]*?(\w+)$", text, re.M) for room, text in pages.items()}
    for room in sorted(pages):
        owner = getattr(sparsetime, room) if room else sparsetime
        is_file = room and not hasattr(owner, "__path__")  # whose page is the whole module
        names = [room] if is_file else owner.__all__
        expected = {name for name in names if room or name not in pages}
        assert set(shown[room]) == expected, room


def test_every_present_name_of_the_table_of_moved_names_exists():
    import sparsetime

    names = re.findall(r"\| `sparsetime\.([\w.]+)`(?:, [^|]*)? \|$", MOVED_NAMES, re.M)
    assert len(names) > 80
    for name in names:
        # The module is imported where its package does not name it.
        owner = sparsetime
        for at, part in enumerate(name.split("."), start=1):
            if not hasattr(owner, part):
                import_module(f"sparsetime.{'.'.join(name.split('.')[:at])}")
            owner = getattr(owner, part)


def test_the_table_of_moved_names_is_sorted_and_has_each_old_name_once():
    rows = [line for line in MOVED_NAMES.splitlines() if line.startswith("| `")]
    assert rows == sorted(rows, key=str.casefold)
    old = [row.split(" | ")[0] for row in rows]
    assert [name for name in old if old.count(name) > 1] == []


def test_the_table_of_what_is_supported_quotes_every_refusal():
    from supported import FEATURES, KINDS

    text = generated("supported.md")
    cells = {
        row[1]: row[2:-1]
        for line in text.splitlines()
        if (row := [cell.strip() for cell in line.split("|")])[1:2]
        and row[1] in {kind.title for kind in KINDS}
    }
    assert len(cells) == len(KINDS) and {len(row) for row in cells.values()} == {len(FEATURES)}
    assert cells["causal language model, a block"] == ["yes"] * len(FEATURES)
    refusals = {
        int(n) for row in cells.values() for n in re.findall(r"refused \((\d+)\)", str(row))
    }
    quoted = {int(number) for number in re.findall(r"^(\d+)\. `\w+Error`: .", text, re.M)}
    assert refusals == quoted and len(quoted) >= 5


def generated(page):
    import runpy

    hooks = runpy.run_path(str(ROOT / "tools" / "docs_hooks.py"))
    return hooks["on_page_markdown"]((ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_the_page_of_benchmarks_ranks_recipes_on_every_bed():
    from sparsetime.testbeds import BEDS

    page = generated("benchmarks-of-the-field.md")
    for bed in BEDS:
        (ranked,) = re.findall(rf"^\| {bed.replace('_', ' ')} \|.* \|$", page, re.M)
        assert "exceeds noise" in ranked or "within noise" in ranked


def test_the_page_of_the_command_line_names_every_command():
    from typer.main import get_command

    from sparsetime.cli import app

    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`([\w-]+)`", table)) == sorted(get_command(app).commands)


def test_pages_show_the_tables_that_benchmarks_kept():
    probes = generated("rooms/evaluation.md")
    assert "| random dictionary, untrained model |" in probes and "| activations | 0." in probes
    assert "| sort, hardness 30 (error" in generated("rooms/testbeds.md")
    examples = generated("examples.md")
    assert int(re.search(r"^(\d+) features name \d+ notes", examples, re.M)[1]) > 0
    scripts = list((ROOT / "examples").glob("*.py"))  # one of which is what the others share
    runs = re.findall(r"^Run with \d+ thread", examples, re.M)
    assert len(runs) == examples.count("\n## ") == len(scripts) - 1


def test_the_page_on_time_shows_a_picture_for_each_of_its_claims():
    assert generated("time.md").count("<svg role") == 6


@pytest.mark.parametrize("html", ['<script src="https://x.org/a.js">', "<link href=//x.org/a.css>"])
def test_a_page_that_fetches_from_elsewhere_fails_the_build(html):
    import runpy
    from types import SimpleNamespace

    hooks = runpy.run_path(str(ROOT / "tools" / "docs_hooks.py"))
    page = SimpleNamespace(file=SimpleNamespace(src_path="index.md"))
    with pytest.raises(ValueError, match=r"index\.md fetches from another host: .*x\.org"):
        hooks["on_post_page"](html, page=page)
    assert hooks["on_post_page"]('<a href="https://x.org">', page=page)
