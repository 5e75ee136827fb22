"""TypeScript declarations of the explorer's HTTP API, written from its OpenAPI description.

The pages' modules are checked against these, so an answer that loses a field fails the gate.

    python tools/api_types.py            write tools/web/api.d.ts
    python tools/api_types.py --check    exit with 1 where that file is out of date
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparsetime.explorer.server.api import make_router
from sparsetime.explorer.workbench.circuit_ablation import AblationAnswer
from sparsetime.explorer.workbench.live import LiveChunk, LiveState
from sparsetime.explorer.workbench.steering import SteerAnswer
from sparsetime.reports.page_schema import EmbeddedTimeline

OUT = Path(__file__).parent / "web" / "api.d.ts"
PREFIX = "/api/"
# Lines of JSON, which OpenAPI cannot describe, answers to a POST, and the record inside a report.
_UNDESCRIBED = (LiveChunk, LiveState, SteerAnswer, AblationAnswer, EmbeddedTimeline)
_REFERENCE = "#/components/schemas/{model}"
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_HEAD = """\
// Types of the explorer's HTTP API. Written by tools/api_types.py from the server's OpenAPI
// description; do not edit. The gate fails where it is out of date.

declare namespace Api {
"""

Schema = Mapping[str, Any]


def describe() -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Schemas and paths of the API's OpenAPI description, with the records that it lacks."""
    from fastapi import FastAPI
    from pydantic.json_schema import models_json_schema

    app = FastAPI(title="sparsetime explorer")
    app.include_router(make_router())
    description = app.openapi()
    _, others = models_json_schema(
        [(model, "serialization") for model in _UNDESCRIBED], ref_template=_REFERENCE
    )
    return description["components"]["schemas"] | others["$defs"], description["paths"]


def declarations(schemas: Mapping[str, Schema], paths: Mapping[str, Schema]) -> str:
    """The text of the declaration file: one interface a schema, and three types by path.

    `Answer<Path>` is what a GET of the path answers, `Query<Path>` its query parameters, and
    `Body<Path>` what is sent to it by POST or PUT.
    """
    answers: dict[str, str] = {}
    queries: dict[str, str] = {}
    bodies: dict[str, str] = {}
    for path in sorted(paths, key=_specificity):
        pattern = _pattern(path)
        for method, operation in paths[path].items():
            if method == "get":
                answers[pattern] = type_of(_json_schema(operation["responses"]["200"]))
                queries[pattern] = _query(operation)
            elif "requestBody" in operation:
                bodies[pattern] = type_of(_json_schema(operation["requestBody"]))
    sent = set(_names(" ".join(bodies.values()), schemas))
    answered = set(
        _names(" ".join([*answers.values(), *(m.__name__ for m in _UNDESCRIBED)]), schemas)
    )
    blocks = [
        _interface(name, schemas[name], complete=name in answered)
        for name in sorted(sent | answered)
    ]
    blocks += [
        _by_path("Answer", "The answer to a GET of a path below /api/.", answers, "never"),
        _by_path("Query", "The query parameters of a GET of a path.", queries, "{}"),
        _by_path("Body", "The JSON that a POST or PUT to a path sends.", bodies, "never"),
    ]
    return _HEAD + "\n".join(blocks) + "}\n"


def type_of(schema: Schema) -> str:
    """The TypeScript type of a JSON schema; `unknown` where the schema says nothing."""
    match schema:
        case {"$ref": reference}:
            return identifier(reference.rpartition("/")[2])
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"const": value}:
            return json.dumps(value)
        case {"anyOf": options}:
            return " | ".join(dict.fromkeys(type_of(option) for option in options))
        case {"type": "null"}:
            return "null"
        case {"type": "array", "prefixItems": items}:
            return f"[{', '.join(type_of(item) for item in items)}]"
        case {"type": "array", "items": items}:
            return f"Array<{type_of(items)}>"
        case {"type": "object", "additionalProperties": dict() as values}:
            return f"Record<string, {type_of(values)}>"
        case {"type": "object", "additionalProperties": True}:
            return "Record<string, unknown>"
        case {"type": str() as name} if name in _SCALARS:
            return _SCALARS[name]
    return "unknown"


def identifier(name: str) -> str:
    """A schema's name as a TypeScript identifier; FastAPI's names of bodies are shortened."""
    return re.sub(r"\W", "_", re.sub(r"^Body_(\w+?)_api_.*$", r"Body_\1", name))


def _interface(name: str, schema: Schema, complete: bool) -> str:
    """One interface. `complete`: the server sends every field, also those with defaults."""
    required = set(schema.get("required", ()))
    lines = []
    for field, value in schema.get("properties", {}).items():
        mark = "" if complete or field in required else "?"
        lines.append(f"    {field}{mark}: {type_of(value)};\n")
    return f"  interface {identifier(name)} {{\n{''.join(lines)}  }}\n"


def _by_path(name: str, summary: str, types: Mapping[str, str], otherwise: str) -> str:
    """A conditional type over patterns of paths, the first that fits."""
    branches = "".join(
        f"    Path extends {pattern} ? {answer} :\n" for pattern, answer in types.items()
    )
    return f"  /** {summary} */\n  type {name}<Path extends string> =\n{branches}    {otherwise};\n"


def _query(operation: Schema) -> str:
    """The type of an operation's query parameters; the pages leave out those that are null."""
    fields = []
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            schema = parameter["schema"]
            if parameter.get("required"):
                fields.append(f"{parameter['name']}: {type_of(schema)}")
            else:
                nullable = type_of({"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]})
                fields.append(f"{parameter['name']}?: {nullable}")
    return f"{{ {'; '.join(fields)} }}" if fields else "{}"


def _json_schema(content: Schema) -> Schema:
    schema: Schema = content.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _pattern(path: str) -> str:
    """A path as a TypeScript template literal type, without the prefix that all share."""
    text = re.sub(r"\{\w+\}", "${string}", path.removeprefix(PREFIX))
    return f"`{text}`" if "$" in text else f'"{text}"'


def _specificity(path: str) -> tuple[int, int, str]:
    """Sort key that puts longer paths first, as `${string}` also matches a slash."""
    parts = path.split("/")
    return -len(parts), sum(part.startswith("{") for part in parts), path


def _names(text: str, schemas: Mapping[str, Schema]) -> Iterator[str]:
    """Names of all schemas that a type mentions, directly or through another schema."""
    by_identifier = {identifier(name): name for name in schemas}
    waiting = [by_identifier[word] for word in re.findall(r"\w+", text) if word in by_identifier]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            fields = " ".join(type_of(v) for v in schemas[name].get("properties", {}).values())
            waiting += [by_identifier[w] for w in re.findall(r"\w+", fields) if w in by_identifier]


def main(arguments: list[str]) -> int:
    """Write the file, or check that it is up to date; returns the exit status."""
    text = declarations(*describe())
    if arguments == ["--check"]:
        if OUT.exists() and OUT.read_text(encoding="utf-8") == text:
            return 0
        print(f"{OUT} is out of date; run: python tools/api_types.py", file=sys.stderr)
        return 1
    OUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
