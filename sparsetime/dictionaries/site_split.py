"""Latents and dimensions in equal shares, one for each of several sites."""

from __future__ import annotations

from sparsetime.errors import ConfigError


def share_ends(what: str, size: int, sites: int) -> tuple[int, ...]:
    """Ends of the equal shares of sites in a dimension of this size.

    what: name of the dimension in errors. Errors: ConfigError unless `sites` divides the size.
    """
    if sites < 1 or size % sites:
        raise ConfigError(
            f"got {what} {size} and {sites} sites, expected {what} to be a multiple of the number "
            "of sites, which share it equally"
        )
    return tuple(size // sites * (site + 1) for site in range(sites))
