"""Hash of what a claim's file computes, equal after a rename, a moved import or a new sentence."""

from __future__ import annotations

import ast
import builtins
import hashlib
import json
from collections.abc import Collection
from typing import Any, final

import numpy as np
from torch import Tensor

#: Arguments of `@claim` that decide the outcome; the others are text, or are compared elsewhere.
_KEPT_ARGUMENTS = ("expects",)
_SKIPPED_FIELDS = ("annotation", "returns", "ctx", "type_comment", "type_params", "kind")
_PACKAGE = __name__.partition(".")[0]
_METHODS = {name for kind in (Tensor, np.ndarray, str, list, dict, set) for name in dir(kind)}


def check_hash(source: str, golden_names: Collection[str]) -> str:
    """Twelve hexadecimal digits over the syntax tree of a claim's file.

    Names are replaced by the number of their first appearance: variables, functions, arguments,
    attributes, keys of dictionaries, texts with spaces (names of values), and `golden_names`, whose
    numbers are compared on their own. Numbers, other texts, expectations, and names of Python,
    torch and numpy stay as they are. Imports, docstrings, annotations, assertions and the texts of
    the claim are left out.

    So a rename that is carried through the file gives the same hash, and so does one that is no
    rename: a name replaced everywhere by another of this package. Golden numbers guard recipes
    against that. A refactoring that changes the tree gives another hash, whatever it computes.

    Errors: SyntaxError for text that is no Python.
    """
    tree = ast.parse(source)
    text = _Serialiser(tree, golden_names).text(tree)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@final
class _Serialiser:
    """Text of a tree, with numbers in the place of names."""

    def __init__(self, tree: ast.Module, golden_names: Collection[str]) -> None:
        self._golden = set(golden_names)
        self._numbers: dict[str, int] = {}
        self._own_modules: set[str] = set()
        self._external = set(dir(builtins))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._read_import(node)

    def text(self, node: Any) -> str:
        """Nested parentheses: the kind of each node, then its fields, without empty ones."""
        match node:
            case list():
                return "".join(map(self.text, node))
            case ast.Import() | ast.ImportFrom() | ast.Assert():
                return ""
            case ast.Expr(value=ast.Constant(value=str())):
                return ""
            case ast.AnnAssign():
                return self._assignment(node)
            case ast.Call(func=ast.Name(id="claim")):
                kept = [word for word in node.keywords if word.arg in _KEPT_ARGUMENTS]
                return f"(claim{self.text(kept)})"
            case ast.Name():
                return self._name(node.id)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Constant():
                return self._constant(node.value)
            case ast.JoinedStr():
                parts = "".join(self.text(part) for part in node.values if not _is_prose(part))
                return f"(JoinedStr{parts})"
            case ast.Dict():
                keys = "".join(map(self._key, node.keys))
                return f"(Dict{keys}:{self.text(node.values)})"
            case ast.AST():
                fields = ((name, getattr(node, name)) for name in node._fields)
                texts = (self._field(name, value) for name, value in fields)
                return f"({type(node).__name__}{''.join(texts)})"
        return json.dumps(node)

    def _field(self, name: str, value: Any) -> str:
        if name in _SKIPPED_FIELDS or value is None or value == []:
            return ""
        if name in ("name", "arg", "attr", "names", "rest") and not isinstance(value, ast.AST):
            values = value if isinstance(value, list) else [value]
            return " ".join(map(self._number, values))
        return self.text(value)

    def _assignment(self, node: ast.AnnAssign) -> str:
        alias = isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"
        if alias or node.value is None:
            return ""
        return self.text(ast.Assign(targets=[node.target], value=node.value))

    def _attribute(self, node: ast.Attribute) -> str:
        if isinstance(node.value, ast.Name) and node.value.id in self._own_modules:
            return self._name(node.attr)  # st.dictionary is the imported name dictionary
        kept = node.attr in _METHODS or self._is_external(node)
        attribute = node.attr if kept else self._number(node.attr)
        return f"(Attribute{self.text(node.value)}.{attribute})"

    def _is_external(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self._external

    def _name(self, name: str) -> str:
        return f"({name})" if name in self._external else f"({self._number(name)})"

    def _key(self, node: ast.expr | None) -> str:
        value = node.value if isinstance(node, ast.Constant) else None
        return (
            self._number(value)
            if isinstance(value, str) and value.isidentifier()
            else (self.text(node))
        )

    def _constant(self, value: Any) -> str:
        if isinstance(value, str) and (" " in value or value in self._golden):
            return self._number(value)
        return repr(value)

    def _number(self, name: str) -> str:
        return f"#{self._numbers.setdefault(name, len(self._numbers))}"

    def _read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            if isinstance(node, ast.ImportFrom):
                if (node.module or "").partition(".")[0] != _PACKAGE:
                    self._external.add(bound)
            elif alias.name.partition(".")[0] == _PACKAGE:
                self._own_modules.add(bound)
            else:
                self._external.add(bound)


def _is_prose(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
