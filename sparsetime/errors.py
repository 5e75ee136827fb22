"""What goes wrong, said so that it can be mended: what was given, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SparsetimeError(Exception):
    """The root of every error that sparsetime raises on purpose."""


class ConfigError(SparsetimeError, ValueError):
    """A setting that is unknown, out of range, or at odds with another."""


class DataError(SparsetimeError, ValueError):
    """Data that cannot be used as given: empty, not finite, too short, not UTF-8."""


class StoreError(SparsetimeError):
    """A folder that is not what it was opened as, or that may not be written to."""


class DamagedError(StoreError):
    """A file whose bytes are not the bytes that were written."""


class MismatchError(SparsetimeError, ValueError):
    """Two things that do not belong together: a dictionary and a store, a code and a width."""


class UnknownNameError(ConfigError):
    """A name that is not in the list it was looked up in."""


def closest(given: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names nearest to `given`, best first; empty where nothing is near."""
    return difflib.get_close_matches(given, list(known), n=count, cutoff=0.4)


def unknown_name(kind: str, given: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """The error for a name that does not exist: says the nearest ones, or all where few exist."""
    names = sorted(known)
    near = closest(given, names)
    if near:
        choice = f"did you mean {' or '.join(map(repr, near))}?"
    elif len(names) <= 12:
        choice = f"known: {', '.join(names) or 'none'}."
    else:
        choice = f"{len(names)} are known, the first of them {', '.join(names[:6])}."
    return UnknownNameError(f"unknown {kind} {given!r}: {choice}" + (f" {hint}" if hint else ""))
