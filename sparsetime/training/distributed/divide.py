"""A process's part of a dictionary: the same components with every R-th latent."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch

from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError

_ROLES = ("encoder", "sparsifier", "decoder")


def check_divisible(dictionary: Dictionary, latents: int, rows: int) -> None:
    """Check that a dictionary can be trained on `latents` * `rows` processes.

    Errors: ConfigError with the component that cannot be divided, and why.
    """
    name = dictionary.name
    for component in dictionary.components:
        what = f"{component.role} {component.kind!r}"
        if latents > 1 and component.latent_tensors is None:
            raise ConfigError(
                f"got latents of the dictionary {name!r} to divide among {latents} processes, but "
                f"its {what} cannot be divided: {component.undivided}. Divide the rows instead "
                "(a mesh with 1 process along 'latent'), train it in one process, or take another "
                "recipe"
            )
        if rows > 1 and not component.divides_rows:
            raise ConfigError(
                f"got rows of a batch for the dictionary {name!r} to divide among {rows} groups of "
                f"processes, but its {what} needs all rows of a batch at once. Divide the latents "
                "instead (a mesh with 1 process along 'data'), or train it in one process"
            )
    narrowest = min(b - a for a, b in pairwise((0, *dictionary.groups)))
    if latents > narrowest:
        raise ConfigError(
            f"got {latents} processes for a nested group of {narrowest} latents of the dictionary "
            f"{name!r}, expected at most one for each latent; take fewer processes along 'latent', "
            "or larger groups"
        )
    k = getattr(dictionary.sparsifier.innermost, "k", 1)
    if latents > max(1, dictionary.width // k):
        raise ConfigError(
            f"got {latents} processes for the {dictionary.width} latents of the dictionary "
            f"{name!r} with k={k}, expected at least {k} latents on each; take fewer processes "
            "along 'latent', or a wider dictionary"
        )


def latent_tensors(dictionary: Dictionary) -> frozenset[str]:
    """Names in the state of a dictionary of the tensors with one row a latent."""
    named = {id(module): prefix for prefix, module in dictionary.named_modules()}
    present = dictionary.state_dict()
    names = (
        f"{named[id(component)]}.{name}"
        for component in dictionary.components
        for name in component.latent_tensors or ()
    )
    return frozenset(name for name in names if name in present)


def part_of(dictionary: Dictionary, number: int, count: int, device: torch.device) -> Dictionary:
    """A dictionary of the latents `number`, `number + count`, ... with weights at zero.

    Parameters that are frozen in the whole are frozen in the part.
    """
    config = dictionary.to_config()
    for role in _ROLES:
        config[role] = _divided(config[role], number, count)
    config["objective"] = [_divided(term, number, count) for term in config["objective"]]
    part = serialise.from_config(config).to(device)
    frozen = {name for name, p in dictionary.named_parameters() if not p.requires_grad}
    for name, parameter in part.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return part


def own_count(latents: int, number: int, count: int) -> int:
    """How many of the first `latents` latents part `number` of `count` has."""
    return -(-(latents - number) // count)


def _divided(component: Mapping[str, Any], number: int, count: int) -> dict[str, Any]:
    settings = dict(component)
    if "width" in settings:
        settings["width"] = own_count(settings["width"], number, count)
    if settings.get("groups") is not None:
        settings["groups"] = [own_count(end, number, count) for end in settings["groups"]]
    return settings
