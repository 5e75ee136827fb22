"""Docstring pairs: the first sentence of a function's docstring, and its source without it."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from sparsetime.errors import ConfigError
from sparsetime.testbeds.python_code.stdlib_source import Module, modules

PARTS = ("training", "tuning", "held out")
_WORDS = 4  # a sentence of fewer names no function


@final
@dataclass(frozen=True)
class DocstringPair:
    """A query and its document: what a function does, and its source without the docstring."""

    name: str
    query: str
    document: str


def docstring_pairs(
    part: str, characters: int = 300, library: Path | None = None
) -> list[DocstringPair]:
    """Pairs of the standard library's functions, of one of three sets of modules.

    part: "training", "tuning" (one module in ten) or "held out" (another one in ten, those that the
    Python-source model does not read either). characters: at which a function's source is cut.
    Sentences of fewer than four words are left out, and each sentence and each source occurs once
    in all parts. library: as `modules`.

    Errors: ConfigError for an unknown part; those of `modules`.
    """
    if part not in PARTS:
        raise ConfigError(f"got part={part!r}, expected one of {', '.join(PARTS)}")
    seen: set[str] = set()
    found = []
    for module in modules(library):
        for pair in _pairs(module, characters):
            if pair.query in seen or pair.document in seen:
                continue
            seen |= {pair.query, pair.document}
            if _part(module) == part:
                found.append(pair)
    return found


def _part(module: Module) -> str:
    if module.held_out:
        return "held out"
    return "tuning" if hashlib.sha256(module.name.encode()).digest()[1] % 10 == 0 else "training"


def _pairs(module: Module, characters: int) -> Iterator[DocstringPair]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in old modules
        try:
            tree = ast.parse(module.text)
        except SyntaxError:
            return
    lines = module.text.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = ast.get_docstring(node)
        if not docstring or len(node.body) < 2:
            continue
        query = " ".join(docstring.split("\n\n")[0].split()).split(". ")[0].rstrip(".")
        if len(query.split()) < _WORDS:
            continue
        held = node.body[0]
        assert held.end_lineno is not None
        source = [*lines[node.lineno - 1 : held.lineno - 1], *lines[held.end_lineno :]]
        assert node.end_lineno is not None
        source = source[: node.end_lineno - node.lineno + 1 - (held.end_lineno - held.lineno + 1)]
        text = "\n".join(line.strip() for line in source if line.strip())[:characters]
        yield DocstringPair(f"{module.name}.{node.name}", query, text)
