"""Edits written as text, as on the command line: `12=2.0`, `12=set:0`, `12=swap:40`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sparsetime.errors import ConfigError
from sparsetime.steering import edits as kinds
from sparsetime.steering.edits import Edit

_KINDS: dict[str, Callable[[Any], Edit]] = {
    "add": kinds.add,
    "set": kinds.set,
    "scale": kinds.scale,
    "floor": kinds.floor,
    "cap": kinds.cap,
    "swap": kinds.swap,
}


def parse_edits(texts: Iterable[str]) -> dict[int, list[Edit]]:
    """The edits of texts FEATURE=EDIT; several of one feature are applied in their order.

    EDIT is a number to add, KIND:NUMBER with one of add, set, scale, floor, cap and swap, or
    ablate, ablate:mean, ablate:resample.

    Errors: ConfigError for a text of another form.
    """
    parsed: dict[int, list[Edit]] = {}
    for text in texts:
        feature, equals, edit = text.partition("=")
        if not equals or not feature.strip().isdigit():
            raise ConfigError(f"got the edit {text!r}, expected FEATURE=EDIT, such as 12=2.0")
        parsed.setdefault(int(feature), []).append(_edit(edit.strip(), text))
    return parsed


def _edit(edit: str, text: str) -> Edit:
    kind, _, value = edit.partition(":")
    if kind == "ablate":
        return kinds.ablate(value or "zero")
    kind, value = (kind, value) if kind in _KINDS else ("add", edit)
    try:
        return _KINDS[kind](int(value) if kind == "swap" else float(value))
    except ValueError as error:
        raise ConfigError(
            f"got the edit {text!r}, expected a number, KIND:NUMBER with one of "
            f"{', '.join(_KINDS)}, or ablate"
        ) from error
