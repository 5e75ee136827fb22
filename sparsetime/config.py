"""Typed settings from a YAML file and from command-line options; errors name the right key.

A component keeps its own settings as a pydantic model that forbids unknown keys; this file reads,
merges and checks. It knows no component.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sparsetime.errors import ConfigError, closest

M = TypeVar("M", bound=BaseModel)


class Settings(BaseModel):
    """Base of every group of settings: typed, frozen, and closed to unknown keys.

    renamed: keys of earlier versions and their names now; a call with an old one is an error.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    renamed: ClassVar[Mapping[str, str]] = {}


def read_config(
    path: str | Path | None,
    model: type[M],
    overrides: Mapping[str, Any] | None = None,
    section: str | None = None,
) -> M:
    """Settings from a YAML file, overridden key by key, checked against `model`.

    `section` picks one top-level key of the file, so that one file can describe a whole run. A key
    of `overrides` may be dotted (`dictionary.k`) to reach into a group; a value of None means "not
    given" and changes nothing. `path=None` takes everything from the overrides.

    Errors: ConfigError where the file is missing, is not YAML, or holds a key or value that the
    model refuses; all refusals are listed at once.
    """
    values = read_yaml(path) if path is not None else {}
    where = str(path) if path is not None else "the settings"
    if section is not None:
        inner = values.get(section)
        if inner is None and path is not None and not _given(overrides):
            sections = ", ".join(sorted(map(str, values))) or "nothing"
            raise ConfigError(f"{where} has no section {section!r}; it holds {sections}.")
        values = _mapping(inner or {}, f"section {section!r} of {where}")
        where = f"section {section!r} of {where}" if path is not None else where
        _check_no_section(overrides or {}, section, model)
    return validated(model, merged(values, overrides or {}), where)


def _check_no_section(overrides: Mapping[str, Any], section: str, model: type[BaseModel]) -> None:
    """Errors: ConfigError for a key with the name of the section before it, as in a file."""
    for key in overrides:
        head, _, rest = key.partition(".")
        if rest and head == section and head not in model.model_fields:
            raise ConfigError(
                f"got the key {key!r}, expected {rest!r}: the settings of a command are those of "
                f"its section; leave '{section}.' out"
            )


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        near = closest(file.name, (p.name for p in file.parent.glob("*.y*ml")), count=1)
        hint = f" Did you mean {str(file.parent / near[0])!r}?" if near else ""
        raise ConfigError(f"the config file {str(file)!r} does not exist.{hint}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the config file {str(file)!r} cannot be read: {error}") from error
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise ConfigError(f"{file} is not valid YAML{line}: {problem}.") from error
    return _mapping(values if values is not None else {}, str(file))


def merged(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the overrides that are given (not None) put in, dotted keys into groups."""
    result: dict[str, Any] = dict(values)
    for key, value in overrides.items():
        if value is None:
            continue
        head, _, rest = key.partition(".")
        if rest:
            group = result.get(head)
            result[head] = merged(_mapping(group or {}, f"the group {head!r}"), {rest: value})
        else:
            result[head] = value
    return result


def assignments(texts: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """`["dictionary.k=32", "dtype=float16"]` as overrides; each value is read as YAML.

    Errors: ConfigError naming the option for a text that is no assignment.
    """
    pairs = {}
    example = ", such as batch=4096" if option == "--set" else ""
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise ConfigError(f"{option} {text!r} is not of the form key=value{example}.")
        try:
            pairs[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{option} {text!r}: {value!r} is not a valid YAML value.") from error
    return pairs


def validated(model: type[M], values: Mapping[str, Any], where: str = "the settings") -> M:
    """An instance of `model`.

    Errors: ConfigError with a line for each refused key: what was given, what is expected, and
    for an unknown key the nearest known one.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explained(details, model) for details in error.errors(include_url=False)]
    if len(lines) == 1:
        raise ConfigError(f"{where}: {lines[0]}")
    raise ConfigError(f"{where}: {len(lines)} problems\n" + "\n".join(f"  {x}" for x in lines))


def _explained(details: ErrorDetails, model: type[BaseModel]) -> str:
    path = [str(part) for part in details["loc"]]
    key = ".".join(path) or "the whole"
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        group = _group_at(model, path[:-1])
        new_name = getattr(group, "renamed", {}).get(path[-1])
        if new_name is not None:
            return f"the key {key!r} is now named {new_name!r}; rename it, its meaning is the same."
        keys = sorted(field.alias or name for name, field in group.model_fields.items())
        near = closest(path[-1], keys, count=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(keys)}."
        return f"unknown key {key!r}; {hint}"
    if kind == "missing":
        return f"{key!r} is not given, and it has no default."
    # The message of a validator comes after pydantic's "Value error, ".
    expected = details["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    expected = expected.replace("Input should be", "expected", 1)
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    return f"{key!r}: got {shown}, {expected.rstrip('.')}."


def _group_at(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """The group of settings at `path`."""
    for part in path:
        field = model.model_fields.get(part)
        inner = _group(field.annotation) if field is not None else None
        if inner is None:
            # List positions and names of union members are no keys; the group stays the same.
            continue
        model = inner
    return model


def _group(annotation: Any) -> type[BaseModel] | None:
    """The group of settings inside an annotation such as `Group`, `Group | None`, `list[Group]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, tuple, dict):
        groups = (_group(argument) for argument in get_args(annotation))
        return next((group for group in groups if group is not None), None)
    return None


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        type_name = type(value).__name__
        raise ConfigError(
            f"{where}: got a {type_name}, expected keys with values, such as batch: 64."
        )
    return {str(key): inner for key, inner in value.items()}


def _given(overrides: Mapping[str, Any] | None) -> bool:
    return any(value is not None for value in (overrides or {}).values())
