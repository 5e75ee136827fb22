"""The base of every part, and the register by which saved files and configs name them."""

from __future__ import annotations

import inspect
from abc import ABC
from typing import Any, ClassVar, TypeVar

from torch import nn

from sparsetime.errors import ConfigError, unknown_name

ROLES = ("encoder", "sparsifier", "atoms", "term")
_REGISTER: dict[str, dict[str, type[Part]]] = {role: {} for role in ROLES}


class Part(nn.Module, ABC):
    """A piece of a dictionary that can be written down: a kind, and the settings that build it."""

    role: ClassVar[str]
    kind: ClassVar[str]
    #: Names of the own parameters whose rows have length one, which training keeps so.
    unit_rows: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def written(self) -> dict[str, Any]:
        """The part as JSON, from which `build` makes it again (without its weights)."""
        return {"kind": self.kind, **self.settings}


def unit_rows(module: nn.Module) -> set[str]:
    """Names of the parameters within `module` whose rows have length one."""
    return {
        f"{prefix}.{name}" if prefix else name
        for prefix, inner in module.named_modules()
        if isinstance(inner, Part)
        for name in inner.unit_rows
    }


P = TypeVar("P", bound=type[Part])


def part(kind: str) -> Any:
    """Class decorator: register a final part under its kind."""

    def register(cls: P) -> P:
        cls.kind = kind
        _REGISTER[cls.role][kind] = cls
        return cls

    return register


def parts_of(role: str) -> dict[str, type[Part]]:
    """Every registered part of a role, by kind."""
    return dict(_REGISTER[role])


def build(role: str, written: dict[str, Any]) -> Any:
    """Make a part from what `Part.written` gave.

    Errors: an unknown kind or setting is named with the nearest known ones.
    """
    settings = dict(written)
    kind = settings.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(f"a written {role} needs a 'kind'; given: {written}")
    if kind not in _REGISTER[role]:
        raise unknown_name(role, kind, _REGISTER[role])
    cls = _REGISTER[role][kind]
    check_settings(f"{role} {kind!r}", settings, cls)
    return cls(**settings)


def check_settings(what: str, settings: dict[str, Any], callee: Any) -> None:
    """Refuse settings that `callee` does not take, and the lack of those that it must have."""
    parameters = inspect.signature(callee).parameters
    for name in settings:
        if name not in parameters:
            raise unknown_name(f"setting of {what}", name, parameters)
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and name not in settings
    ]
    if missing:
        raise ConfigError(f"{what} also needs {', '.join(missing)}")
