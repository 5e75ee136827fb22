"""Spans written as text, as on the command line: `generated() & ~while_on(12, hold=3)`."""

from __future__ import annotations

import ast
from typing import Any

from sparsetime.errors import ConfigError, closest
from sparsetime.interventions import spans
from sparsetime.interventions.span import Span

_SPANS = {
    "steps": spans.steps,
    "seconds": spans.seconds,
    "prompt": spans.prompt,
    "generated": spans.generated,
    "last": spans.last,
    "after": spans.after,
    "role": spans.role,
    "where": spans.where,
    "while_on": spans.while_on,
}
_SHAPES = ("rising", "falling")
_EXAMPLE = "such as generated(), steps(10, 20) or after('def ') & ~while_on(12)"


def parse_span(text: str) -> Span:
    """The span of a text: calls of `st.spans`, joined by `|`, `&` and `~`, and shaped.

    Nothing else of Python is read, so that no code is run.

    Errors: ConfigError for a text that is no span; those of the spans.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ConfigError(f"got the span {text!r}, expected one {_EXAMPLE}") from error
    return _span(tree, text)


def _span(node: ast.expr, text: str) -> Span:
    match node:
        case ast.BinOp(left, ast.BitOr(), right):
            return _span(left, text) | _span(right, text)
        case ast.BinOp(left, ast.BitAnd(), right):
            return _span(left, text) & _span(right, text)
        case ast.UnaryOp(ast.Invert(), inner):
            return ~_span(inner, text)
        case ast.Call(ast.Attribute(inner, shape), [steps], []) if shape in _SHAPES:
            shaped: Span = getattr(_span(inner, text), shape)(_constant(steps, text))
            return shaped
        case ast.Call(ast.Name(name), arguments, keywords):
            return _called(name, arguments, keywords, text)
    raise ConfigError(f"got the span {text!r}, expected one {_EXAMPLE}")


def _called(name: str, arguments: list[ast.expr], keywords: list[ast.keyword], text: str) -> Span:
    if name not in _SPANS:
        near = closest(name, _SPANS, count=1) or list(_SPANS)
        raise ConfigError(
            f"got the span {name!r} in {text!r}, which does not exist; expected "
            f"{' or '.join(map(repr, near))}"
        )
    values = [_constant(argument, text) for argument in arguments]
    named = {keyword.arg or "": _constant(keyword.value, text) for keyword in keywords}
    try:
        span: Span = _SPANS[name](*values, **named)  # type: ignore[operator]
    except TypeError as error:
        raise ConfigError(f"got the span {text!r}: {error}") from error
    return span


def _constant(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise ConfigError(
            f"got the span {text!r}, whose arguments are not numbers and texts; expected one "
            f"{_EXAMPLE}"
        ) from error
