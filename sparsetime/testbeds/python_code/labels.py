"""Labels of Python source, from fast to slow: token kind, name role, nesting, function, module."""

from __future__ import annotations

import ast
import io
import keyword
import token as token_types
import tokenize
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from sparsetime.testbeds.python_code.roles import name_roles
from sparsetime.testbeds.python_code.text_offsets import TextOffsets

Span: TypeAlias = tuple[int, int, Any]
Spans: TypeAlias = dict[str, list[Span]]

# From the fastest label to the slowest; the last two are of a whole document.
LADDER = (
    "kind", "operator", "keyword", "role", "bracket_depth", "in_condition", "in_decorator",
    "in_import", "in_string", "in_comment", "in_docstring", "in_except", "indentation_depth",
    "function", "class", "module", "package",
)  # fmt: skip
_KINDS = {
    token_types.NUMBER: "number",
    token_types.OP: "operator",
    token_types.COMMENT: "comment",
    token_types.NEWLINE: "newline",
    token_types.NL: "newline",
}
_STRINGS = ("STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
_INSIDE = ("string", "comment", "docstring", "import", "decorator", "condition", "except")


@final
@dataclass(frozen=True)
class Token:
    """One token of Python. White space between two tokens of a line belongs to the second."""

    begin: int  # where the token before it ends
    start: int
    end: int
    kind: str
    text: str
    brackets: int
    indentation: int


def label_spans(text: str) -> Spans:
    """Spans of characters for every label of `LADDER` but the last two, which are the document's.

    kind: name, keyword, operator, number, string, comment or newline. operator, keyword: its text.
    role: the syntactic role of a name (see `name_roles`). bracket_depth: the number of open
    brackets, an opening or closing one included. in_condition: within the test of an if, while,
    conditional expression or comprehension. in_except: within an except clause. function, class:
    the qualified name of the innermost one, from its def or class on. Labels that begin with "in_"
    are true or false everywhere.

    From Python 3.12 on, the expressions within an f-string are not in_string; before, they are.

    Errors: SyntaxError, or tokenize.TokenError, where the text is not Python of this version.
    """
    tree = ast.parse(text)
    offsets = TextOffsets(text)
    tokens = list(_tokens(text, offsets))
    spans: Spans = {name: [] for name in LADDER[:-2]}
    for inside in _INSIDE:
        spans[f"in_{inside}"].append((0, len(text), False))
    roles = name_roles(tree, offsets)
    for token in tokens:
        at = (token.begin, token.end)
        spans["kind"].append((*at, token.kind))
        spans["bracket_depth"].append((*at, token.brackets))
        spans["indentation_depth"].append((*at, token.indentation))
        if token.kind in ("operator", "keyword"):
            spans[token.kind].append((*at, token.text))
        if token.kind in ("string", "comment"):
            spans[f"in_{token.kind}"].append((*at, True))
        if token.kind == "name":
            before = _role_before(spans, tokens, token)
            role = before or roles.get(token.start)
            if role:
                spans["role"].append((*at, role))
    _add_node_spans(spans, tree, offsets, tokens)
    return spans


def _tokens(text: str, offsets: TextOffsets) -> Iterator[Token]:
    brackets = indentation = before = 0
    for info in tokenize.generate_tokens(io.StringIO(text).readline):
        if info.type == token_types.INDENT:
            indentation += 1
        elif info.type == token_types.DEDENT:
            indentation -= 1
        if (
            info.type in (token_types.INDENT, token_types.DEDENT, token_types.ENDMARKER)
            or not info.string
        ):
            continue
        start, end = offsets.at(*info.start), offsets.at(*info.end)
        brackets += info.string in ("(", "[", "{") and info.type == token_types.OP
        yield Token(before, start, end, _kind(info), info.string, brackets, indentation)
        brackets -= info.string in (")", "]", "}") and info.type == token_types.OP
        before = end


def _kind(info: tokenize.TokenInfo) -> str:
    if info.type == token_types.NAME:
        return "keyword" if keyword.iskeyword(info.string) else "name"
    if token_types.tok_name[info.type] in _STRINGS:
        return "string"
    return _KINDS.get(info.type, "operator")


def _role_before(spans: Spans, tokens: list[Token], token: Token) -> str | None:
    """The role that the keyword right before a name gives it: `def` and `class`."""
    last = spans["keyword"][-1] if spans["keyword"] else None
    if last is None or last[1] != token.begin:
        return None
    return {"def": "function", "class": "class"}.get(last[2])


def _add_node_spans(
    spans: Spans, tree: ast.Module, offsets: TextOffsets, tokens: list[Token]
) -> None:
    """Add the spans of whole syntax nodes; outer nodes come first, so inner ones overwrite them."""
    starts = [token.start for token in tokens]

    def add(label: str, node: ast.AST, value: Any, earlier: int = 0) -> None:
        start, end = offsets.of(node)
        first = max(0, bisect_left(starts, start) - earlier)
        spans[label].append((tokens[first].begin, end, value))

    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, outer = stack.pop()
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
        stack.extend((child, name) for child in ast.iter_child_nodes(node))
