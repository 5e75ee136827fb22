"""Conditions from text: the token of a step, the shape of its word, and steps since landmarks."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.explanations.conditions.condition import Condition, category, number
from sparsetime.features.step_text import has_offsets

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

TOKEN, SHAPE, SINCE = "token", "shape", "steps since "
_LANDMARKS = 32
_DISTANCES = (2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 17.0, 33.0)
_RUN = re.compile(r"(.)\1+")
_LONGEST = 6


def token_conditions(view: Store) -> list[Condition]:
    """The token and the shape of the text of every step; none for a store without tokens."""
    texts = step_pieces(view)
    if texts is None:
        return []
    names, code = _numbered(texts)
    token = category(TOKEN, code, names)
    shapes, shape_of = _numbered([word_shape(name) for name in names])
    return [token, category(SHAPE, shape_of[code], shapes)]


def step_pieces(view: Store) -> list[str] | None:
    """The text of every step, without white space around it ("⏎" for a line break alone).

    Of a store without text the number of the token; None without tokens.
    """
    pieces: list[str] = []
    for place in range(len(view.sequence_indices)):
        stored = view.sequence(place)
        if has_offsets(stored) and stored.text is not None:
            text = stored.text
            starts = stored.steps["char_start"].to_pylist()
            ends = stored.steps["char_end"].to_pylist()
            pieces += [_piece(text[a:b]) for a, b in zip(starts, ends, strict=True)]
        elif "token" in stored.steps.column_names:
            pieces += [f"#{token}" for token in stored.steps["token"].to_pylist()]
        else:
            return None
    return pieces


def landmarks(
    token: Condition, begins: Int[np.ndarray, " sequences_plus_1"], rows: Bool[np.ndarray, " rows"]
) -> list[Condition]:
    """Steps since the last earlier step with each of the 32 most frequent tokens.

    rows: where tokens are counted. A row counts from 1 for the step before; infinite without one.
    """
    counts = np.bincount(token.code[rows & (token.code >= 0)], minlength=len(token.values))
    most = np.argsort(-counts, kind="stable")[:_LANDMARKS]
    return [
        landmark(token, token.values[value], begins) for value in most[counts[most] > 0].tolist()
    ]


def landmark(
    token: Condition, value: str, begins: Int[np.ndarray, " sequences_plus_1"]
) -> Condition:
    """Steps since the last earlier step with a token; infinite everywhere for an unknown one."""
    here = token.has_value([value], slice(None))
    return number(f"{SINCE}{value}", steps_since(here, begins), _DISTANCES)


def steps_since(
    here: Bool[np.ndarray, " rows"], begins: Int[np.ndarray, " sequences_plus_1"]
) -> Float[np.ndarray, " rows"]:
    """Steps from the last earlier row of the same sequence where `here` holds; inf without one."""
    row = np.arange(len(here))
    last = np.maximum.accumulate(np.where(here, row, -1))
    last = np.concatenate([[-1], last[:-1]])
    first = np.repeat(begins[:-1], np.diff(begins))
    return np.where(last >= first, row - last, np.inf).astype(np.float32)


@lru_cache(maxsize=65536)
def word_shape(text: str) -> str:
    """Letters as x and X, digits as d, everything else as it is; runs shortened to two.

    "getValue" is xxXxx, "__init__" is __xx__, "2024" is dd.
    """
    classes = "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in text[:24]
    )
    return _RUN.sub(r"\1\1", classes)[:_LONGEST]


def _piece(text: str) -> str:
    stripped = text.strip()
    if stripped:
        return stripped
    return "⏎" if "\n" in text else "␣" if text else ""


def _numbered(texts: list[str]) -> tuple[tuple[str, ...], Int[np.ndarray, " texts"]]:
    numbers: dict[str, int] = {}
    code = np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int32)
    return tuple(numbers), code
