"""Tasks of the Python-source model: three, each with one draw of a prompt."""

from __future__ import annotations

from sparsetime.testbeds.tasks.prompt import TaskPrompt, prompt
from sparsetime.testbeds.tasks.task import Task, Words

# Each name is one token of the model after a space.
_NAMES = (
    "item", "line", "name", "key", "value", "node", "path", "index", "row", "word", "token",
    "entry", "child", "file", "field", "part", "match", "module", "frame", "event",
    "source", "attr", "code", "char", "obj", "arg", "data", "text", "size", "start", "end",
    "left", "right", "first", "second", "old", "new", "result", "other", "width", "group",
    "type", "func", "message", "prefix", "suffix", "string", "number", "handler", "parent",
    "root", "default", "option", "url", "host", "port", "user", "header", "method",
    "status", "limit", "count",
)  # fmt: skip
_LETTERS = tuple("xyniabckvpstfdme")
_PLURALS = (
    "items", "lines", "names", "keys", "values", "paths", "entries", "files", "fields",
    "parts", "matches", "modules", "events", "attrs", "args", "options", "headers",
    "methods",
)  # fmt: skip
_OF_TWO = ("max", "min", "divmod", "pow")


def brackets(draw: Words) -> TaskPrompt:
    """The bracket that closes is of the kind that was opened last."""
    open_, close = draw.any((("[", "]"), ("(", ")")))
    other = {"[": ("(", ")"), "(": ("[", "]")}[open_]
    target, of, inside = draw.some(_NAMES, 3)
    fields = {"target": target, "of": of, "opening": open_, "inside": inside}
    return prompt(
        "def f(self):\n    {target} = {of}{opening}{inside}",
        fields,
        {"opening": other[0]},
        (close,),
        (other[1],),
    )


def loop_variable(draw: Words) -> TaskPrompt:
    """A loop yields its own variable."""
    variable, other = draw.some(_NAMES, 2)
    fields = {"values": draw.one(_PLURALS), "variable": variable}
    return prompt(
        "def f({values}):\n    for {variable} in " + fields["values"] + ":\n        yield",
        fields,
        {"variable": other},
        (f" {variable}",),
        (f" {other}",),
    )


def other_argument(draw: Words) -> TaskPrompt:
    """A function that was given its first argument is given the second.

    Given the second one first, the model repeats it: it has learnt their order.
    """
    first, second, other = draw.some(_LETTERS, 3)
    fields = {"first": first, "second": second, "function": draw.one(_OF_TWO), "given": first}
    return prompt(
        "def f({first}, {second}):\n    return {function}({given},",
        fields,
        {"second": other},
        (f" {second}",),
        (f" {other}",),
    )


TASKS = (
    Task(
        "brackets",
        "python",
        "the closing bracket; corrupted: the other kind was opened",
        "of this project",
        brackets,
    ),
    Task(
        "loop_variable",
        "python",
        "the variable of the loop; corrupted: it has another name",
        "of this project",
        loop_variable,
    ),
    Task(
        "other_argument",
        "python",
        "the second argument, after the first; corrupted: the signature has another second one",
        "of this project",
        other_argument,
    ),
)
