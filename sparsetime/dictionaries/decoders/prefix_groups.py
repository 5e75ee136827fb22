"""Nested groups of latents, by the ends of prefixes."""

from __future__ import annotations

from itertools import pairwise

from sparsetime.errors import ConfigError


def checked_groups(width: int, groups: tuple[int, ...] | list[int] | None) -> tuple[int, ...]:
    """The ends of nested prefixes; `(width,)` where none are given.

    Errors: ConfigError unless they ascend to the width.
    """
    ends = tuple(groups) if groups is not None else (width,)
    if not ends or ends[-1] != width or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
        raise ConfigError(
            f"groups must be ascending ends of prefixes whose last is the width, {width}; "
            f"given: {list(ends)}"
        )
    return ends


def prefix_ends(width: int, fractions: tuple[float, ...] | list[float]) -> tuple[int, ...]:
    """Ends of nested prefixes from shares of the width.

    Errors: ConfigError unless the shares ascend to 1 and every group gets at least one latent.
    """
    ends = tuple(round(width * fraction) for fraction in fractions)
    if not ends or ends[-1] != width or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
        raise ConfigError(
            f"shares of the width must ascend to 1 and leave every group at least one of the "
            f"{width} latents; given: {list(fractions)}, which end at {list(ends)}"
        )
    return ends
