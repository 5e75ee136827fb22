"""Base class of the components of all rooms: registered by role and kind, described by JSON."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

from sparsetime.component_settings import checked_settings, parameters_of
from sparsetime.errors import ConfigError
from sparsetime.registry import Register, declare_role


class RegisteredComponent(ABC):
    """A component of a composition, such as an encoder of a dictionary or a score of weights.

    A kind and settings describe it in files. Settings are the constructor's arguments, of types
    that JSON holds. A base class that sets `role` declares a role; its folder holds the kinds.
    """

    role: ClassVar[str]
    #: The registered kinds of this role.
    kinds: ClassVar[Register[type[RegisteredComponent]]]
    kind: ClassVar[str]
    #: Settings of a small instance, where the constructor has no defaults.
    example: ClassVar[Mapping[str, Any]]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "role" in vars(cls):
            cls.kinds = declare_role(cls.role, cls.__module__.rpartition(".")[0])

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def to_config(self) -> dict[str, Any]:
        """Kind and settings as JSON, from which `from_config` builds the component, untrained."""
        return {"kind": self.kind, **self.settings}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the component of this role that `to_config` describes.

        Errors: UnknownNameError for an unknown kind or setting, with the nearest names; ConfigError
        for a setting of another type, or out of range.
        """
        settings = dict(config)
        kind = settings.pop("kind", None)
        if not isinstance(kind, str):
            raise ConfigError(
                f"the config of a component ({cls.role}) needs a 'kind', got {dict(config)}; give "
                f"one of: {', '.join(cls.kinds)}"
            )
        component_class: Any = cls.kinds[kind]
        built: Self = component_class(
            **checked_settings(f"{cls.role} {kind!r}", component_class, settings)
        )
        return built

    @classmethod
    def from_description(
        cls, described: Described, sizes: Mapping[str, int] = MappingProxyType({})
    ) -> Self:
        """A component of this role from its kind, its config or itself.

        sizes: values such as `d_in` and `width`, filled in where the component takes them.

        Errors: ConfigError for a component of another role, or for something else.
        """
        if isinstance(described, cls):
            return described
        if isinstance(described, RegisteredComponent):
            raise ConfigError(
                f"got {described.kind!r}, of role {described.role}, as {cls.role}; give it as "
                f"{described.role}"
            )
        if not isinstance(described, str | Mapping):
            raise ConfigError(
                f"got {described!r} as {cls.role}, expected a component, its kind, or a mapping "
                "with 'kind' and settings"
            )
        config = {"kind": described} if isinstance(described, str) else dict(described)
        taken = cls.names_of_settings(described)
        return cls.from_config({**{k: v for k, v in sizes.items() if k in taken}, **config})

    @classmethod
    def names_of_settings(cls, described: Described) -> tuple[str, ...]:
        """The settings that a described component takes; none of an object or an unknown kind."""
        kind = described.get("kind") if isinstance(described, Mapping) else described
        known = isinstance(kind, str) and kind in cls.kinds
        return tuple(parameters_of(cls.kinds[str(kind)])) if known else ()


#: A component, its kind, or its config.
Described: TypeAlias = str | Mapping[str, Any] | RegisteredComponent

C = TypeVar("C", bound=type[RegisteredComponent])


def component(
    kind: str, example: Mapping[str, Any] = MappingProxyType({}), former: tuple[str, ...] = ()
) -> Callable[[C], C]:
    """Class decorator: register a final component under its kind.

    example: settings of a small instance, where the constructor has no defaults; tests build it.
    former: kinds by which files of earlier versions name the component.
    """

    def register(cls: C) -> C:
        cls.kind, cls.example = kind, example
        cls.kinds.add(kind, cls, cls, former)
        return cls

    return register
