"""Conventions that files do not settle: the rule of the format, or the caller's choice."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeVar, final

from sparsetime.errors import ConfigError, unknown_name

_log = logging.getLogger("sparsetime")
T = TypeVar("T", bool, int, float, str)


@final
class Conventions:
    """Conventions of a file by name, each with its value and the reason for it.

    chosen: values of the caller, which come before the rules.
    """

    def __init__(self, chosen: Mapping[str, Any]) -> None:
        self._chosen = dict(chosen)
        self.asked: set[str] = set()
        #: Value and reason of every convention that was resolved, as text.
        self.resolved: dict[str, str] = {}

    def settle(self, name: str, rule: T, reason: str) -> T:
        """The value of a convention that the file itself does not state.

        Errors: ConfigError where the caller gave a value of another type.
        """
        self.asked.add(name)
        if name not in self._chosen:
            self.resolved[name] = f"{rule} ({reason})"
            return rule
        value = self._chosen[name]
        kinds = (int, float) if isinstance(rule, float) else type(rule)
        if not isinstance(value, kinds) or isinstance(value, bool) is not isinstance(rule, bool):
            raise ConfigError(f"got {name}={value!r}, expected a {type(rule).__name__}")
        self.resolved[name] = f"{value} (given)"
        return type(rule)(value)

    def state(self, name: str, value: T) -> T:
        """The value of a convention that the file states, unless the caller gave another."""
        if name in self._chosen:
            return self.settle(name, value, "")
        self.asked.add(name)
        return value

    def finish(self, where: str) -> None:
        """Log what was settled. Errors: UnknownNameError for a choice that no rule asked for."""
        for name in self._chosen:
            if name not in self.asked:
                raise unknown_name(f"convention of {where}", name, self.asked)
        for name, text in self.resolved.items():
            _log.warning("%s: %s = %s; give load(..., %s=...) for another", where, name, text, name)
