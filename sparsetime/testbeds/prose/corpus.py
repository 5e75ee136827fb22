"""English that ships with every CPython: its help topics and the docstrings of its library.

About 1.8 MB of prose in some 250 labelled documents, read from this machine, so that a first run
needs no download. The text differs a little between Python versions, never between two runs on
one.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError

Span = tuple[int, int, str]
Reader = Callable[[], Document | None]

SMALLEST_MODULE = 2_000  # characters of docstring; a module with fewer is left out
_NOT_READ = {
    "__pycache__", "distutils", "ensurepip", "idlelib", "lib2to3", "site-packages", "test",
    "tests", "turtledemo",
}  # fmt: skip
_HEADING = re.compile(r"^(?P<title>\S.*)\n(?P<mark>[*=~^-])(?P=mark){2,}$", re.MULTILINE)
_RULE = re.compile(r"([*=~^#_+.-])\1{3,}")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

KINDS = ("word", "name", "number", "punctuation", "symbol")
_KIND = re.compile(
    r"""
    (?P<name>
        `+[^`\n]+`+                                        # `quoted` or ``quoted``
      | (?!e\.g|i\.e)[^\W\d]\w*(?:\.[^\W\d]\w*)+(?:\(\))?  # os.path.join, copy.copy()
      | [^\W_]*_\w*(?:\(\))?                               # with_underscore, __init__()
      | [^\W\d]\w*(?=\()                                   # called(
      | [^\W\d_]+\d\w*                                     # utf8
      | [a-z]+[A-Z]\w* | [A-Z][a-z]+[A-Z]\w*               # camelCase, ValueError
    )
  | (?P<number> \d[\w.]*\w | \d )
  | (?P<word> [^\W\d_]+ )
  | (?P<punctuation> [.,;:!?'"()\[\]{}\u2018\u2019\u201c\u201d\u2026\u2014\u2013-] )
  | (?P<symbol> [^\w\s] )
    """,
    re.VERBOSE,
)


def corpus(first: int | None = None) -> list[Document]:
    """The topics, then the docstrings, always in the same order: all, or the `first` of them.

    Every document carries the labels `source` and `name`, and two kinds of span: `section` (slow:
    the heading or the qualified name that the text stands under) and `kind` (fast: one of `KINDS`
    for every segment of characters that is not white space).

    Some topics quote others (`compound` contains `if`, `for` and `while`), so a split by document
    does not keep every sentence of the held-out part out of the training part.
    """
    documents = (read() for read in readers().values())
    return list(islice((each for each in documents if each is not None), first))


def readers() -> dict[str, Reader]:
    """What reads each document, by its id, in the order of `corpus`.

    It gives None where a module has fewer than `SMALLEST_MODULE` characters. Reading all takes
    seconds, so a testbed calls those that it needs.

    Errors: DataError where the folder of the standard library holds no source files.
    """
    return {**_topic_readers(), **_module_readers(Path(sysconfig.get_path("stdlib")))}


def topics() -> list[Document]:
    """The language reference behind `help("assert")`: one document a topic, sections by heading."""
    return [topic for read in _topic_readers().values() if (topic := read()) is not None]


def docstrings(library: Path | None = None) -> list[Document]:
    """Docstrings of library modules, one document each, of at least `SMALLEST_MODULE` characters.

    Modules are parsed, never imported. Docstrings are in the order of the source, each once,
    between blank lines; the section of each is the qualified name of what it documents.
    `library` is the folder of the standard library's sources (default: this Python's).

    Errors: DataError where the folder holds no source files.
    """
    read_all = _module_readers(library or Path(sysconfig.get_path("stdlib"))).values()
    return [module for read in read_all if (module := read()) is not None]


def heading_spans(text: str) -> list[Span]:
    """Sections of a text whose headings are underlined, each up to the next heading."""
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return [
        (heading.start(), end, heading["title"].strip())
        for heading, end in zip(headings, ends, strict=True)
    ]


def kind_spans(text: str) -> list[Span]:
    """Spans of words and marks with one of `KINDS`; white space is left out.

    `name` is a word that looks like code: with underscores, inner dots, inner capitals or digits,
    called, or in backticks. `symbol` is every other mark.
    """
    return [
        (match.start(), match.end(), match.lastgroup)
        for match in _KIND.finditer(text)
        if match.lastgroup
    ]


def join_docstrings(source: bytes, module: str) -> tuple[str, list[Span]]:
    """All docstrings of a source file, joined with blank lines, and the qualified name of each.

    A source that this Python cannot parse has no docstrings.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old modules hold invalid escapes
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return "", []
    parts: list[str] = []
    spans: list[Span] = []
    seen: set[str] = set()
    at = 0
    for name, docstring in _walk(tree, module):
        text = _clean(inspect.cleandoc(docstring)).strip()
        if not text or text in seen:
            continue
        seen.add(text)
        parts.append(text)
        spans.append((at, at + len(text), name))
        at += len(text) + 2
    return "\n\n".join(parts), spans


def _walk(node: _Documented, name: str) -> Iterator[tuple[str, str]]:
    docstring = ast.get_docstring(node, clean=False)
    if docstring:
        yield name, docstring
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, f"{name}.{child.name}")


def _module_files(root: Path) -> list[Path]:
    """Source files of the standard library, sorted by their path, tests left out."""
    return [
        path
        for path in sorted(root.rglob("*.py"))
        if not _NOT_READ & set(path.relative_to(root).parts)
        and path.relative_to(root).parts[0].removesuffix(".py") in sys.stdlib_module_names
    ]


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _clean(text: str) -> str:
    """Text as it is captured: ruled lines are three marks long.

    A line of seventy dashes would be seventy equal tokens, and the longest run of any feature.
    Half of a surrogate pair is no character: UTF-8 cannot hold it.
    """
    return _RULE.sub(r"\1\1\1", text).encode("utf-8", "replace").decode("utf-8")


def _topic_readers() -> dict[str, Reader]:
    from pydoc_data.topics import topics as texts

    def read(name: str) -> Document:
        text = _clean(texts[name])
        return _document("topics", name, text, heading_spans(text))

    return {f"topics/{name}": partial(read, name) for name in sorted(texts)}


def _module_readers(root: Path) -> dict[str, Reader]:
    def read(path: Path, name: str) -> Document | None:
        text, spans = join_docstrings(path.read_bytes(), name)
        if len(text) < SMALLEST_MODULE:
            return None
        return _document("docstrings", name, text, spans)

    named = {path: _module_name(path.relative_to(root)) for path in _module_files(root)}
    if not named:
        raise DataError(
            f"no documented Python sources were found in {root}; a corpus of docstrings needs the "
            f"standard library's .py files (some packaged Pythons ship only compiled ones)"
        )
    return {f"docstrings/{name}": partial(read, path, name) for path, name in named.items()}


def _document(source: str, name: str, text: str, sections: list[Span]) -> Document:
    return Document(
        id=f"{source}/{name}",
        text=text,
        labels={"source": source, "name": name},
        spans={"section": list(sections), "kind": list(kind_spans(text))},
        source=source,
    )
