"""Base class of the components of a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import RegisteredComponent

if TYPE_CHECKING:
    from sparsetime.dictionaries.composition import Composition
    from sparsetime.dictionaries.forward_pass import ForwardPass


class Component(RegisteredComponent, nn.Module):
    """A component of a dictionary: an encoder, sparsifier, decoder, objective term or skip.

    Whatever it learns beside its settings is a parameter or a buffer, so that it is saved and
    training can resume.
    """

    #: Fields of `Batch` that training needs for this component, besides x.
    needs: frozenset[str] = frozenset()
    #: Whether the code of a row depends on earlier rows, through a recurrent state.
    is_stateful: bool = False
    #: Names of the first group of latents and of the rest, for components that separate them.
    group_names: ClassVar[tuple[str, str] | None] = None
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

    def to_config(self) -> dict[str, Any]:
        """Kind and settings as JSON, from which `from_config` builds the component, untrained.

        A setting that was changed on the component, as by `sparsifier.k = 8`, has its new value.
        """
        return {"kind": self.kind, **self.current_settings()}

    def current_settings(self) -> dict[str, Any]:
        """The settings as they are now, as JSON; a component within this one as its config."""
        return {name: self._current(name) for name in self.settings}

    def _current(self, name: str) -> Any:
        inner = self._modules.get(name)
        if isinstance(inner, Component):
            return inner.to_config()
        value = vars(self).get(name, self.settings[name])
        return list(value) if isinstance(value, tuple) else value

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
