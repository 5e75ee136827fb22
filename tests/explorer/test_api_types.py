"""Declarations of the API for the pages' type checker, on schemas with a known type."""

from __future__ import annotations

import api_types
import pytest

LINE = {"properties": {"feature": {"type": "integer"}, "peak": {"type": "number", "default": 1}}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({"$ref": "#/components/schemas/Line"}, "Line"),
        ({"enum": ["", "first"], "type": "string"}, '"" | "first"'),
        ({"const": "text", "type": "string"}, '"text"'),
        ({"anyOf": [{"type": "number"}, {"type": "integer"}, {"type": "null"}]}, "number | null"),
        ({"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
         "Array<number | null>"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
         "[string, number]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
        ({}, "unknown"),
    ],
)  # fmt: skip
def test_type_of_a_schema(schema, expected):
    assert api_types.type_of(schema) == expected


def answer(reference):
    schema = {"$ref": f"#/components/schemas/{reference}"}
    return {"200": {"content": {"application/json": {"schema": schema}}}}


def test_declarations_of_an_api():
    query = {"in": "query", "name": "limit", "schema": {"type": "integer", "default": 5}}
    needed = {"in": "query", "name": "words", "required": True, "schema": {"type": "string"}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}}}
    paths = {
        "/api/lines": {"get": {"parameters": [query, needed], "responses": answer("Line")}},
        "/api/lines/{key}": {"get": {"responses": answer("Page")}, "put": {"requestBody": body}},
    }
    schemas = {
        "Line": LINE,
        "Page": {"properties": {"line": {"$ref": "#/components/schemas/Line"}}},
        "Sent": {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": "a"},
        "Unused": LINE,
    }
    text = api_types.declarations(schemas, paths)
    # The server sends defaults; a sender may leave them out.
    assert "  interface Line {\n    feature: number;\n    peak: number;\n  }\n" in text
    assert "  interface Sent {\n    a: string;\n    b?: string;\n  }\n" in text
    assert "interface Page" in text
    assert "interface Unused" not in text
    assert '"lines" ? { limit?: number | null; words: string } :' in text
    answers = text[text.index("type Answer") :]
    assert answers.index("`lines/${string}` ? Page :") < answers.index('"lines" ? Line :')
    assert "`lines/${string}` ? Sent :" in text[text.index("type Body") :]


def test_the_declarations_are_up_to_date():
    assert api_types.main(["--check"]) == 0
