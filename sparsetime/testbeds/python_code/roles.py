"""What a name does where it stands: it is read, assigned, called, imported, ..."""

from __future__ import annotations

import ast

from sparsetime.testbeds.python_code.text_offsets import Places

ROLES = (
    "read", "assigned", "deleted", "called", "attribute", "method", "parameter", "argument",
    "imported", "function", "class",
)  # fmt: skip


def name_roles(tree: ast.Module, places: Places) -> dict[int, str]:
    """The role of every name whose place the tree knows, by the character it starts at.

    called: a plain name that is called; attribute: behind a dot, and method where that is called;
    argument: the name of one passed by keyword; imported: the first part of an import's name. The
    names behind `def` and `class` have no place in the tree.
    """
    roles: dict[int, str] = {}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    contexts = {ast.Load: "read", ast.Store: "assigned", ast.Del: "deleted"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            role = "called" if id(node) in called else contexts[type(node.ctx)]
            roles[places.of(node)[0]] = role
        elif isinstance(node, ast.Attribute):
            start = places.of(node)[1] - len(node.attr)
            roles[start] = "method" if id(node) in called else "attribute"
        elif isinstance(node, ast.arg):
            roles[places.of(node)[0]] = "parameter"
        elif isinstance(node, ast.keyword) and node.arg:
            roles[places.of(node)[0]] = "argument"
        elif isinstance(node, ast.alias):
            roles[places.of(node)[0]] = "imported"
    return roles
