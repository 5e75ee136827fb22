"""Settings of components and recipes by their signatures: names, types, required settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, PositiveInt, StrictInt, create_model

from sparsetime.config import Settings, validated
from sparsetime.errors import ConfigError, unknown_name

_SIZES = ("d_in", "d_out", "width")


class _FiniteSettings(Settings):
    """Settings whose numbers are finite: JSON holds no others, and no range check refuses NaN."""

    model_config = ConfigDict(allow_inf_nan=False)


@cache  # a signature takes as long as the rest of a component
def parameters_of(callee: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Parameters of a component class or a recipe, by name; `**unknown` is not one."""
    parameters = inspect.signature(callee).parameters.items()
    return {name: p for name, p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD}


@cache
def settings_model(callee: Callable[..., Any]) -> type[Settings]:
    """The settings with their types and defaults."""
    function = callee.__init__ if inspect.isclass(callee) else callee
    types = get_type_hints(function, include_extras=True)  # ranges are in annotations
    fields: dict[str, Any] = {}
    for name, parameter in parameters_of(callee).items():
        missing = parameter.default is inspect.Parameter.empty
        fields[name] = (_strict(name, types[name]), ... if missing else parameter.default)
    return create_model(callee.__name__, __base__=_FiniteSettings, **fields)


def checked_settings(
    what: str, callee: Callable[..., Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """All settings of `callee`, the given ones checked.

    Errors: UnknownNameError with the nearest names for a setting that does not exist; ConfigError
    for one that is missing or of another type.
    """
    check_names(what, callee, settings)
    return dict(validated(settings_model(callee), settings, what).__dict__)


def check_names(what: str, callee: Callable[..., Any], names: Mapping[str, Any]) -> None:
    """Errors: UnknownNameError and ConfigError as for `checked_settings`, of names alone."""
    parameters = parameters_of(callee)
    for name in names:
        if name not in parameters:
            raise unknown_name(f"setting of {what}", name, parameters)
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and name not in names
    ]
    if missing:
        raise ConfigError(f"{what} also needs {', '.join(missing)}")


def _strict(name: str, annotation: Any) -> Any:
    """A count is a whole number: neither 2.5 nor True will do."""
    if name in _SIZES and annotation is int:
        return PositiveInt
    if annotation is int:
        return StrictInt
    return StrictInt | None if annotation == int | None else annotation
