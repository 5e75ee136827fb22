"""The base of every part, and the register by which saved files and configs name them."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component_settings import checked_settings
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.registry import read_folder

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.dictionaries.forward_pass import ForwardPass

#: The folder of each role: a part is a file in it, and nothing else needs to know of it.
FOLDERS = {
    "encoder": "encoders",
    "sparsifier": "sparsifiers",
    "decoder": "decoders",
    "term": "objectives",
    "skip": "skip_connections",
}
_REGISTER: dict[str, dict[str, type[Component]]] = {role: {} for role in FOLDERS}


class Component(nn.Module, ABC):
    """A piece of a dictionary that can be written down: a kind, and the settings that build it.

    Settings are the constructor's arguments, of types that JSON holds. Whatever else a part learns
    is a parameter or a buffer, so that it is saved, and goes on after an interruption.
    """

    role: ClassVar[str]
    kind: ClassVar[str]
    #: What a training batch must hold for this part beside x: names of `Batch`'s fields.
    needs: frozenset[str] = frozenset()
    #: Whether what it does with a row in use depends on the rows before, by way of its memory.
    is_stateful: bool = False
    #: What the first group of latents and the rest are called, where this part tells them apart.
    group_names: ClassVar[tuple[str, str] | None] = None
    #: Settings of a small one, where the constructor has no defaults.
    example: ClassVar[Mapping[str, Any]]
    #: Names of the own parameters whose rows have length one, which training keeps so.
    unit_rows: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def to_config(self) -> dict[str, Any]:
        """The part as JSON, from which `build` makes it again (without its weights)."""
        return {"kind": self.kind, **self.settings}

    def incompatibility(self, dictionary: Dictionary) -> str | None:
        """Why this part makes no sense in this composition; None where it does."""
        return None

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random weights at the beginning. Most parts need none."""

    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """Learn from a sample before the first step, as the part sees it while it trains.

        Encoders, sparsifiers and bases get what the encoder sees; atoms get the target without its
        offset. Terms get the target.
        """

    def observe(self, step: ForwardPass) -> None:
        """Learn from a training step that is over, without gradient. Most parts need not."""


def unit_rows(module: nn.Module) -> set[str]:
    """Names of the parameters within `module` whose rows have length one."""
    return {
        f"{prefix}.{name}" if prefix else name
        for prefix, inner in module.named_modules()
        if isinstance(inner, Component)
        for name in inner.unit_rows
    }


P = TypeVar("P", bound=type[Component])


def component(kind: str, example: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Class decorator: register a final part under its kind.

    example: settings of a small one, where the constructor has no defaults; tests make it so.
    """

    def register(cls: P) -> P:
        cls.kind, cls.example = kind, example
        _REGISTER[cls.role][kind] = cls
        return cls

    return register


def components_of(role: str) -> dict[str, type[Component]]:
    """Every part of a role, by kind."""
    read_folder(f"sparsetime.dictionaries.{FOLDERS[role]}")
    return dict(_REGISTER[role])


def build(role: str, config: dict[str, Any]) -> Any:
    """Make a part from what `Component.to_config` gave.

    Errors: an unknown kind or setting is named with the nearest known ones; ConfigError for a
    setting of another type, or out of range.
    """
    settings = dict(config)
    kind = settings.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(f"the config of a {role} needs a 'kind'; given: {config}")
    known = components_of(role)
    if kind not in known:
        raise unknown_name(role, kind, known)
    return known[kind](**checked_settings(f"{role} {kind!r}", known[kind], settings))
