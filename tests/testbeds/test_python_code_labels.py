"""What every token of Python is: read off a module in which all of it is known."""

import ast

import pytest

from sparsetime.errors import DataError
from sparsetime.testbeds.python_code.labels import LADDER, label_spans
from sparsetime.testbeds.python_code.stdlib_source import is_held_out, modules
from sparsetime.testbeds.python_code.text_offsets import TextOffsets

SOURCE = '''"""About é."""
import os.path as p

class Box(dict):
    """A box."""

    @cached
    def get(self, key=None):  # näh
        try:
            return [x for x in key if x > 1]
        except KeyError as e:
            del e
        return self.open(mode="r").name


async def later():
    def inner():
        pass
    if a == "ü" and b:
        c = "no docstring"
    return p
'''.replace("later():", "later(): ")


def label(name: str, piece: str, number: int = 0):
    """The value of a label at the `number`-th place where `piece` stands in the source."""
    at = -1
    for _ in range(number + 1):
        at = SOURCE.index(piece, at + 1)
    value = None
    for start, end, given in label_spans(SOURCE)[name]:
        if start <= at < end:
            value = given
    return value


@pytest.mark.parametrize(
    ("name", "piece", "number", "value"),
    [
        ("kind", "import", 0, "keyword"),
        ("kind", "os", 0, "name"),
        ("kind", ".", 1, "operator"),
        ("kind", "# näh", 0, "comment"),
        ("kind", "1", 0, "number"),
        ("kind", '"r"', 0, "string"),
        ("kind", "\n", 1, "newline"),
        ("kind", " \n    def inner", 0, "newline"),  # a space at a line's end
        ("kind", " key", 0, "name"),  # the space before a token is the token's
        ("operator", ".path", 0, "."),
        ("operator", "==", 0, "=="),
        ("operator", "path", 0, None),
        ("keyword", "async", 0, "async"),
        ("keyword", "later", 0, None),
        ("role", "os", 0, "imported"),
        ("role", "Box", 0, "class"),
        ("role", "get", 0, "function"),
        ("role", "later", 0, "function"),
        ("role", "self", 0, "parameter"),
        ("role", "key=", 0, "parameter"),
        ("role", "x ", 1, "assigned"),
        ("role", "x ", 0, "read"),
        ("role", "open", 0, "method"),
        ("role", "name", 0, "attribute"),
        ("role", "mode", 0, "argument"),
        ("role", "e\n        return", 0, "deleted"),
        ("bracket_depth", "(self", 0, 1),
        ("bracket_depth", "key=", 0, 1),
        ("bracket_depth", "):", 1, 1),
        ("bracket_depth", ":", 3, 0),
        ("indentation_depth", "import", 0, 0),
        ("indentation_depth", "@", 0, 1),
        ("indentation_depth", "try", 0, 2),
        ("indentation_depth", "del", 0, 3),
        ("indentation_depth", "async", 0, 0),
        ("in_string", '"r"', 0, True),
        ("in_string", "mode", 0, False),
        ("in_comment", "näh", 0, True),
        ("in_comment", "try", 0, False),
        ("in_docstring", "About", 0, True),
        ("in_docstring", "A box", 0, True),
        ("in_docstring", "no docstring", 0, False),
        ("in_import", "path", 0, True),
        ("in_import", "class", 0, False),
        ("in_decorator", "@", 0, True),
        ("in_decorator", "cached", 0, True),
        ("in_decorator", "def", 0, False),
        ("in_condition", "x > 1", 0, True),
        ("in_condition", '"ü"', 0, True),
        ("in_condition", "b:", 0, True),
        ("in_condition", ":\n        c", 0, False),
        ("in_except", "KeyError", 0, True),
        ("in_except", "del", 0, True),
        ("in_except", "return self", 0, False),
        ("class", "import", 0, None),
        ("class", "class", 0, "Box"),
        ("class", "return self", 0, "Box"),
        ("class", "later", 0, None),
        ("function", "class", 0, None),
        ("function", "return self", 0, "Box.get"),
        ("function", "pass", 0, "later.inner"),
        ("function", "return p", 0, "later"),
    ],
)
def test_every_label_is_what_it_should_be(name, piece, number, value):
    assert label(name, piece, number) == value


def test_every_label_of_the_ladder_but_the_documents_own_has_spans_within_the_text():
    spans = label_spans(SOURCE)
    assert tuple(spans) == LADDER[:-2]
    assert all(0 <= a <= b <= len(SOURCE) for found in spans.values() for a, b, _ in found)


def test_token_spans_follow_one_another_without_a_gap():
    kinds = label_spans(SOURCE)["kind"]
    assert [start for start, _, _ in kinds] == [0, *(end for _, end, _ in kinds[:-1])]


def test_labels_agree_with_the_tree_on_real_modules():
    chosen = [m for m in modules() if m.name in ("queue", "glob", "fnmatch", "textwrap", "this")]
    assert len(chosen) == 5
    for module in chosen:
        spans, places = label_spans(module.text), TextOffsets(module.text)
        functions = [
            node.name
            for node in ast.walk(ast.parse(module.text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        assert sorted(name.split(".")[-1] for _, _, name in spans["function"]) == sorted(functions)
        assert sum(role == "function" for _, _, role in spans["role"]) == len(functions)
        for start, end, operator in spans["operator"]:
            assert module.text[start:end].strip().lstrip("\\\n ") == operator
        assert places.at(1, 0) == 0


def test_text_that_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        label_spans("def (:\n")


def test_the_library_is_split_by_name_and_read_in_one_order():
    found = modules()
    names = [module.name for module in found]
    assert len(set(names)) == len(names) > 100
    assert not any(name.startswith(("test.", "encodings")) for name in names)
    assert [m.held_out for m in found] == [is_held_out(name) for name in names]
    assert 0.05 < sum(m.held_out for m in found) / len(found) < 0.2
    assert next(m for m in found if m.name == "asyncio.events").package == "asyncio"


def test_a_folder_without_sources_is_refused(tmp_path):
    (tmp_path / "queue.pyc").write_bytes(b"")
    with pytest.raises(DataError, match="no Python sources were found"):
        modules(tmp_path)
