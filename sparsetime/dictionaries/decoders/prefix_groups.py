"""Nested groups of latents as ends of prefixes (Matryoshka)."""

from __future__ import annotations

from itertools import pairwise

from sparsetime.errors import ConfigError


def checked_groups(width: int, groups: tuple[int, ...] | list[int] | None) -> tuple[int, ...]:
    """Ends of nested prefixes; `(width,)` for None.

    Errors: ConfigError unless they ascend to the width.
    """
    ends = tuple(groups) if groups is not None else (width,)
    if not ends or ends[-1] != width or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
        raise ConfigError(
            f"got groups={list(ends)}, expected ascending ends of prefixes, the last of them the "
            f"width, {width}"
        )
    return ends


def prefix_ends(width: int, fractions: tuple[float, ...] | list[float]) -> tuple[int, ...]:
    """Ends of nested prefixes from fractions of the width.

    Errors: ConfigError unless the fractions ascend to 1 and every group gets at least one latent.
    """
    ends = tuple(round(width * fraction) for fraction in fractions)
    if not ends or ends[-1] != width or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
        raise ConfigError(
            f"got the fractions {list(fractions)} of the width {width}, which end at {list(ends)}, "
            "expected fractions that ascend to 1 with at least one latent in every group"
        )
    return ends
