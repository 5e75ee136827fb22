"""Syntactic role of a name in Python source: read, assigned, called, imported, ..."""

from __future__ import annotations

import ast

from sparsetime.testbeds.python_code.text_offsets import TextOffsets

ROLES = (
    "read", "assigned", "deleted", "called", "attribute", "method", "parameter", "argument",
    "imported", "function", "class",
)  # fmt: skip


def name_roles(tree: ast.Module, offsets: TextOffsets) -> dict[int, str]:
    """The role of every name that has a position in the tree, by its first character.

    called: a plain name that is called; attribute: after a dot, and method where that is called;
    argument: the name of one passed by keyword; imported: the first part of an import's name. The
    names after `def` and `class` have no position in the tree.
    """
    roles: dict[int, str] = {}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    contexts = {ast.Load: "read", ast.Store: "assigned", ast.Del: "deleted"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            role = "called" if id(node) in called else contexts[type(node.ctx)]
            roles[offsets.of(node)[0]] = role
        elif isinstance(node, ast.Attribute):
            start = offsets.of(node)[1] - len(node.attr)
            roles[start] = "method" if id(node) in called else "attribute"
        elif isinstance(node, ast.arg):
            roles[offsets.of(node)[0]] = "parameter"
        elif isinstance(node, ast.keyword) and node.arg:
            roles[offsets.of(node)[0]] = "argument"
        elif isinstance(node, ast.alias):
            roles[offsets.of(node)[0]] = "imported"
    return roles
