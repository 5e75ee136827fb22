"""What every character of a Python module is: the ladder from one token to the whole document."""

from __future__ import annotations

import ast
import io
import keyword
import token as kinds
import tokenize
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from sparsetime.testbeds.python_code.roles import name_roles
from sparsetime.testbeds.python_code.text_offsets import Places

Span: TypeAlias = tuple[int, int, Any]
Spans: TypeAlias = dict[str, list[Span]]

# From what changes with every token to what holds for a document.
LADDER = (
    "kind", "operator", "keyword", "role", "bracket_depth", "in_condition", "in_decorator",
    "in_import", "in_string", "in_comment", "in_docstring", "in_except", "indentation_depth",
    "function", "class", "module", "package",
)  # fmt: skip
_KINDS = {
    kinds.NUMBER: "number",
    kinds.OP: "operator",
    kinds.COMMENT: "comment",
    kinds.NEWLINE: "newline",
    kinds.NL: "newline",
}
_STRINGS = ("STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
_INSIDE = ("string", "comment", "docstring", "import", "decorator", "condition", "except")


@final
@dataclass(frozen=True)
class Token:
    """One token of Python. What stands between two tokens of a line belongs to the second."""

    begin: int  # where the token before it ends
    start: int
    end: int
    kind: str
    text: str
    brackets: int
    indentation: int


def label_spans(text: str) -> Spans:
    """Spans of characters for every label of `LADDER` but the last two, which are the document's.

    kind: name, keyword, operator, number, string, comment or newline. operator, keyword: the text
    of what is one. role: what a name is (see `name_roles`). bracket_depth: brackets that are open,
    those of an opening or closing one included. in_condition: within the test of an if, while,
    conditional expression or comprehension. in_except: within an except clause. function, class:
    the qualified name of the innermost one, from its def or class on. The others say it by name;
    those that begin with "in_" are true or false everywhere.

    From Python 3.12 on, the expressions within an f-string are not in_string; before, they are.

    Errors: SyntaxError, or tokenize.TokenError, where the text is not Python of this version.
    """
    tree = ast.parse(text)
    places = Places(text)
    tokens = list(_tokens(text, places))
    spans: Spans = {name: [] for name in LADDER[:-2]}
    for inside in _INSIDE:
        spans[f"in_{inside}"].append((0, len(text), False))
    roles = name_roles(tree, places)
    for found in tokens:
        at = (found.begin, found.end)
        spans["kind"].append((*at, found.kind))
        spans["bracket_depth"].append((*at, found.brackets))
        spans["indentation_depth"].append((*at, found.indentation))
        if found.kind in ("operator", "keyword"):
            spans[found.kind].append((*at, found.text))
        if found.kind in ("string", "comment"):
            spans[f"in_{found.kind}"].append((*at, True))
        if found.kind == "name":
            before = _role_before(spans, tokens, found)
            role = before or roles.get(found.start)
            if role:
                spans["role"].append((*at, role))
    _add_stretches(spans, tree, places, tokens)
    return spans


def _tokens(text: str, places: Places) -> Iterator[Token]:
    brackets = indentation = before = 0
    for found in tokenize.generate_tokens(io.StringIO(text).readline):
        if found.type == kinds.INDENT:
            indentation += 1
        elif found.type == kinds.DEDENT:
            indentation -= 1
        if found.type in (kinds.INDENT, kinds.DEDENT, kinds.ENDMARKER) or not found.string:
            continue
        start, end = places.at(*found.start), places.at(*found.end)
        brackets += found.string in ("(", "[", "{") and found.type == kinds.OP
        yield Token(before, start, end, _kind(found), found.string, brackets, indentation)
        brackets -= found.string in (")", "]", "}") and found.type == kinds.OP
        before = end


def _kind(found: tokenize.TokenInfo) -> str:
    if found.type == kinds.NAME:
        return "keyword" if keyword.iskeyword(found.string) else "name"
    if kinds.tok_name[found.type] in _STRINGS:
        return "string"
    return _KINDS.get(found.type, "operator")


def _role_before(spans: Spans, tokens: list[Token], found: Token) -> str | None:
    """The role that the keyword right before a name gives it: `def` and `class`."""
    last = spans["keyword"][-1] if spans["keyword"] else None
    if last is None or last[1] != found.begin:
        return None
    return {"def": "function", "class": "class"}.get(last[2])


def _add_stretches(spans: Spans, tree: ast.Module, places: Places, tokens: list[Token]) -> None:
    """The labels that hold for whole nodes of the tree, outer ones before inner ones."""
    starts = [found.start for found in tokens]

    def add(label: str, node: ast.AST, value: Any, earlier: int = 0) -> None:
        start, end = places.of(node)
        first = max(0, bisect_left(starts, start) - earlier)
        spans[label].append((tokens[first].begin, end, value))

    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, outer = waiting.pop()
        name = outer
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{node.name}".lstrip(".")
            add("class" if isinstance(node, ast.ClassDef) else "function", node, name)
            for decorator in node.decorator_list:
                add("in_decorator", decorator, True, earlier=1)  # with its @
        if isinstance(
            node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) and ast.get_docstring(node, clean=False):
            add("in_docstring", node.body[0], True)
        if isinstance(node, ast.Import | ast.ImportFrom):
            add("in_import", node, True)
        if isinstance(node, ast.ExceptHandler):
            add("in_except", node, True)
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            add("in_condition", node.test, True)
        if isinstance(node, ast.comprehension):
            for test in node.ifs:
                add("in_condition", test, True)
        waiting.extend((child, name) for child in ast.iter_child_nodes(node))
