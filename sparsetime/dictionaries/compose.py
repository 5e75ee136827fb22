"""A dictionary of one's own, out of parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sparsetime.dictionaries.component import Component, build, parts_of
from sparsetime.dictionaries.component_settings import parameters_of
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.initialise import start
from sparsetime.dictionaries.objectives import Objective
from sparsetime.errors import ConfigError

Described: TypeAlias = str | Mapping[str, Any] | Component


def compose(
    *,
    d_in: int | Sequence[int],
    width: int,
    encoder: Described = "linear",
    sparsifier: Described,
    atoms: Described = "unit_norm",
    objective: Described | Sequence[Described] = "mse",
    base: Described | None = None,
    d_out: int | Sequence[int] | None = None,
    name: str = "composed",
    seed: int = 0,
) -> Dictionary:
    """A fresh dictionary out of parts, whether anybody has published it or not.

    A part is its name (`"linear"`), its name with settings (`{"kind": "top_k", "k": 32}`), or an
    object; `d_in`, `d_out` and `width` are put in where a part takes them and they are not given.

    d_in: dimension of the activations that are read, or the dimensions of several joined sites.
    d_out: the same of what is reconstructed, where that is another site (a transcoder).
    objective: a term or a list of terms. base: what is guessed without the code.
    name: by which runs and files call it. seed: of the random atoms.

    Errors: UnknownNameError for a part or a setting that does not exist, with the nearest names;
    ConfigError for settings out of range, and with the reason for a combination that makes no
    sense.
    """
    reads = _sizes("d_in", d_in)
    writes = None if d_out is None else _sizes("d_out", d_out)
    sizes = {"d_in": sum(reads), "d_out": sum(writes or reads), "width": width}
    terms = [objective] if isinstance(objective, str | Mapping | Component) else objective
    made = Dictionary(
        as_part("encoder", encoder, sizes),
        as_part("sparsifier", sparsifier, sizes),
        as_part("atoms", atoms, sizes),
        Objective([as_part("term", term, sizes) for term in terms]),
        name,
        reads=reads,
        writes=writes,
        base=None if base is None else as_part("base", base, sizes),
    )
    start(made, seed)
    return made


def as_part(role: str, given: Any, sizes: Mapping[str, int]) -> Any:
    """A part from its name, its description or itself, with the sizes that it takes put in."""
    if isinstance(given, Component):
        if given.role != role:
            raise ConfigError(f"{given.kind!r} is given as {role} and is of the role {given.role}")
        return given
    if not isinstance(given, str | Mapping):
        raise ConfigError(
            f"a part is a name, a mapping with 'kind' and settings, or an object; as {role} "
            f"{given!r} was given"
        )
    written = {"kind": given} if isinstance(given, str) else dict(given)
    cls = parts_of(role).get(str(written.get("kind")))
    taken = parameters_of(cls) if cls is not None else {}
    return build(role, {**{k: v for k, v in sizes.items() if k in taken}, **written})


def _sizes(name: str, given: int | Sequence[int]) -> tuple[int, ...]:
    sizes = (given,) if isinstance(given, int) else tuple(given)
    if not sizes or any(isinstance(d, bool) or not isinstance(d, int) or d < 1 for d in sizes):
        raise ConfigError(
            f"{name} is a number of dimensions, at least 1, or one for each of several sites; "
            f"{given!r} was given"
        )
    return sizes
