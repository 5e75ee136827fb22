"""Base class of the components of a dictionary, and the decorator that registers them by kind."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component_settings import checked_settings, parameters_of
from sparsetime.errors import ConfigError
from sparsetime.registry import Register, declare_role

if TYPE_CHECKING:
    from sparsetime.dictionaries.composition import Composition
    from sparsetime.dictionaries.forward_pass import ForwardPass


class Component(nn.Module, ABC):
    """A component of a dictionary: an encoder, sparsifier, decoder, objective term or skip.

    A kind and settings describe it in files. Settings are the constructor's arguments, of types
    that JSON holds. Whatever else it learns is a parameter or a buffer, so that it is saved and
    training can resume. A base class that sets `role` declares a role; its folder holds the kinds.
    """

    role: ClassVar[str]
    #: The registered kinds of this role.
    kinds: ClassVar[Register[type[Component]]]
    kind: ClassVar[str]
    #: Fields of `Batch` that training needs for this component, besides x.
    needs: frozenset[str] = frozenset()
    #: Whether the code of a row depends on earlier rows, through a recurrent state.
    is_stateful: bool = False
    #: Names of the first group of latents and of the rest, for components that separate them.
    group_names: ClassVar[tuple[str, str] | None] = None
    #: Settings of a small instance, where the constructor has no defaults.
    example: ClassVar[Mapping[str, Any]]
    #: Names of own parameters whose rows training keeps at unit norm.
    unit_rows: ClassVar[frozenset[str]] = frozenset()
    #: The least share of the best scale with which the first codes may begin; the largest of all
    #: components counts.
    first_share: float = 0.0
    #: Names of own parameters and buffers with one row a latent, where several processes can divide
    #: the latents: each then computes with its own rows, and sums go through a `Partition`. None
    #: where they cannot, for the reason `undivided`.
    latent_tensors: frozenset[str] | None = None
    undivided: str = "one latent's value or gradient depends on other latents"
    #: Whether several processes can divide the rows of a batch, as they can where all averages over
    #: rows go through a `Partition`.
    divides_rows: bool = False

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
    def from_description(cls, described: Described, sizes: Mapping[str, int]) -> Self:
        """A component of this role from its kind, its config or itself.

        sizes: values of `d_in`, `d_out` and `width`, filled in where the component takes them.

        Errors: ConfigError for a component of another role, or for something else.
        """
        if isinstance(described, cls):
            return described
        if isinstance(described, Component):
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
        kind = config.get("kind")
        known_kind = isinstance(kind, str) and kind in cls.kinds
        taken = parameters_of(cls.kinds[str(kind)]) if known_kind else {}
        return cls.from_config({**{k: v for k, v in sizes.items() if k in taken}, **config})

    def incompatibility(self, composition: Composition) -> str | None:
        """The reason why this component cannot work in the composition; None where it can."""
        return None

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise the weights at random. Most components need no random weights."""

    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """Initialise from a sample before the first training step.

        Encoders, sparsifiers and skip connections get centred activations; decoders get the target
        less its offset; objective terms get the target.
        """

    def observe(self, step: ForwardPass) -> None:
        """Update running statistics after a training step, without gradient."""


def unit_rows(module: nn.Module) -> set[str]:
    """Names of the parameters within `module` whose rows have unit norm."""
    return {
        f"{prefix}.{name}" if prefix else name
        for prefix, inner in module.named_modules()
        if isinstance(inner, Component)
        for name in inner.unit_rows
    }


#: A component, its kind, or its config.
Described: TypeAlias = str | Mapping[str, Any] | Component

C = TypeVar("C", bound=type[Component])


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
