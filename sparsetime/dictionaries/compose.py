"""Composition of a dictionary from components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparsetime.component_settings import parameters_of
from sparsetime.components import Described, RegisteredComponent
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.initialise import reset_parameters
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.torch_settings import with_gradients

# Arguments that had another name in 0.1.0.
_MOVED = {"atoms": "decoder", "base": "skip"}


def compose(
    *,
    d_in: int | Sequence[int],
    width: int,
    encoder: Described = "linear",
    sparsifier: Described,
    decoder: Described = "unit_norm",
    objective: Described | Sequence[Described] = "mse",
    skip: Described | None = None,
    d_out: int | Sequence[int] | None = None,
    name: str = "composed",
    seed: int = 0,
    **unknown: Any,
) -> Dictionary:
    """A new dictionary composed of any compatible components, published or not.

    A component is its name (`"linear"`), its name with settings (`{"kind": "top_k", "k": 32}`), or
    an object; `d_in`, `d_out` and `width` are filled in where a component takes them.

    d_in: dimension of the activations that are read, or the dimensions of several joined sites.
    d_out: the same of what is reconstructed, where that is another site (a transcoder).
    objective: a term or a list of terms. skip: a skip connection from activation to target.
    name: recorded in runs and files. seed: of the random decoder rows.

    Errors: UnknownNameError for an unknown component or setting, with the nearest names;
    ConfigError for settings out of range, and for components that are incompatible.
    """
    for key in unknown:
        if key in _MOVED:
            raise ConfigError(f"compose got {key}=, expected {_MOVED[key]}=; rename the argument")
        raise unknown_name("argument of compose", key, parameters_of(compose))
    in_dims = _sizes("d_in", d_in)
    out_dims = None if d_out is None else _sizes("d_out", d_out)
    sizes = {"d_in": sum(in_dims), "d_out": sum(out_dims or in_dims), "width": width}
    terms = [objective] if isinstance(objective, str | Mapping | RegisteredComponent) else objective
    with with_gradients():
        sae = Dictionary(
            Encoder.from_description(encoder, sizes),
            Sparsifier.from_description(sparsifier, sizes),
            Decoder.from_description(decoder, sizes),
            Objective([Term.from_description(term, sizes) for term in terms]),
            name,
            in_dims=in_dims,
            out_dims=out_dims,
            skip=None if skip is None else SkipConnection.from_description(skip, sizes),
        )
        reset_parameters(sae, seed)
    return sae


def _sizes(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int) else tuple(value)
    if not sizes or any(isinstance(d, bool) or not isinstance(d, int) or d < 1 for d in sizes):
        raise ConfigError(
            f"got {name}={value!r}, expected a number of dimensions of at least 1, or one for each "
            "of several sites"
        )
    return sizes
