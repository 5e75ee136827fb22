"""Exceptions. A message states what was given, what was expected, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SparsetimeError(Exception):
    """Base class of the errors that sparsetime raises for its callers."""


class ConfigError(SparsetimeError, ValueError):
    """A setting that is unknown, out of range, or incompatible with another setting."""


class DataError(SparsetimeError, ValueError):
    """Data that cannot be used: empty, not finite, too short, not UTF-8."""


class StoreError(SparsetimeError):
    """A folder of another kind than expected, or one that must not be overwritten."""


class DamagedError(StoreError):
    """A file whose bytes differ from those that were written."""


class MismatchError(SparsetimeError, ValueError):
    """Two arguments that do not fit each other: a dictionary and a store, a code and a width."""


class ProcessError(SparsetimeError):
    """A process of a run on several that stopped, or has other code, data or settings."""


class BusyError(SparsetimeError):
    """A request that the server does not take now because too many wait."""


class SupersededError(SparsetimeError):
    """A request whose place a newer one of the same page took."""


class UnknownNameError(ConfigError):
    """A name that is not registered or does not exist; the message lists near names."""


class UnreachedSparsityError(ConfigError):
    """A sparsity that no value of a method's own setting reaches; the message has the nearest."""


def closest(given: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Names that are similar to `given`, most similar first; empty where none is similar."""
    return difflib.get_close_matches(given, list(known), n=count, cutoff=0.4)


def unknown_name(kind: str, given: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
    """The error for a name that does not exist, with similar names, or all where there are few."""
    names = sorted(known)
    near = closest(given, names)
    if near:
        choice = f"did you mean {' or '.join(map(repr, near))}?"
    elif len(names) <= 12:
        choice = f"known: {', '.join(names) or 'none'}."
    else:
        choice = f"{len(names)} are known, the first of them {', '.join(names[:6])}."
    return UnknownNameError(f"unknown {kind} {given!r}: {choice}" + (f" {hint}" if hint else ""))
