"""The word list of the project: words that have no right use here, and what to say instead."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("words.tsv")
SUFFIXES = {".py", ".pyi", ".js", ".ts", ".css", ".j2", ".html", ".md", ".toml", ".yaml", ".yml"}
# Earlier names are quoted in these files, and on lines by which they are still accepted.
LEFT_OUT = ("CHANGELOG.md", "docs/moved-names.md", "tests/fixtures/", "tests/house/words.tsv")
EARLIER_NAMES = re.compile(r"\b(?:former|moved from|renamed)\b\s*[=:]")


@cache
def word_list() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each pattern of the table, as whole words, with what to say instead."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    pairs = (line.split("\t") for line in lines)
    return tuple((re.compile(rf"\b(?:{words})\b", re.I), instead) for words, instead in pairs)


@cache
def any_word() -> re.Pattern[str]:
    """All patterns of the table in one, which is quicker than each in turn."""
    return re.compile("|".join(pattern.pattern for pattern, _ in word_list()), re.IGNORECASE)


def found_in(text: str) -> list[tuple[int, str, str]]:
    """Line number, word and what to say instead, of every word of the list in a text."""
    return [
        (number, match[0], instead)
        for number, line in enumerate(text.replace("_", " ").splitlines(), start=1)
        if any_word().search(line) and not EARLIER_NAMES.search(line)
        for pattern, instead in word_list()
        for match in pattern.finditer(line)
    ]


def tracked_texts() -> list[Path]:
    """Every text file under version control."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("the files are not under version control here")
    names = [name for name in listed.stdout.splitlines() if not name.startswith(LEFT_OUT)]
    return [path for name in names if (path := ROOT / name).suffix in SUFFIXES and path.is_file()]


def test_no_file_holds_a_word_of_the_list():
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {word!r}; say {instead!r}"
        for path in tracked_texts()
        for number, word, instead in found_in(path.read_text(encoding="utf-8"))
    ]
    assert not lines, f"{len(lines)} words of tests/house/words.tsv:\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"def on_{'end'}(rows):", ["on " + "end"]),
        (f"ok\nThe run Goes {'On'}.", ["Goes " + "On"]),
        ("accompany, append_on, foretold", []),
        (f'moved_from=("comp{"any"}",)', []),
    ],
)
def test_words_are_found_whole_and_in_names(text, words):
    assert [word for _, word, _ in found_in(text)] == words
