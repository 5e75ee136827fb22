"""Latents and dimensions in equal shares, one for each of several sites."""

from __future__ import annotations

from sparsetime.errors import ConfigError


def share_ends(what: str, size: int, sites: int) -> tuple[int, ...]:
    """Where the share of every site ends.

    Errors: ConfigError unless the sites divide the size, which is called `what`.
    """
    if sites < 1 or size % sites:
        raise ConfigError(
            f"{what} is shared equally by the sites, so it must be a multiple of their number; "
            f"given: {what} {size} and {sites} sites"
        )
    return tuple(size // sites * (site + 1) for site in range(sites))
