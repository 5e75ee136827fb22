"""Text of every step: the piece between its character offsets, and the white space before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence

_KEPT = ("", " ")  # nearly all gaps; checked first, since a pattern on each would take longer


def has_offsets(stored: StoredSequence) -> bool:
    """Whether a stored sequence has a text and the characters that each step covers."""
    return stored.text is not None and {"char_start", "char_end"} <= set(stored.steps.column_names)


def step_texts(
    text: str, starts: Iterable[int], ends: Iterable[int], read: int
) -> Iterator[tuple[str, str]]:
    """The text of each step and the white space before it, as a page prints it.

    starts, ends: the characters of each step. read: characters before the first step. A character
    that two steps share, as tokenizers do with those of several bytes, belongs to the first. A
    step whose characters all belong to a longer one behind it, as a mark of a word's beginning
    that stands for no character, has no text.
    """
    spans = list(zip(starts, ends, strict=True))
    for number, (start, end) in enumerate(spans):
        if _lies_in_a_later_one(spans, number):
            yield "", ""
            continue
        yield text[max(start, read) : end], gap_text(text[read:start])
        read = max(read, end)


def _lies_in_a_later_one(spans: list[tuple[int, int]], number: int) -> bool:
    """Whether a step behind this one begins no later and ends behind it."""
    start, end = spans[number]
    for later_start, later_end in spans[number + 1 :]:
        if later_start > start:
            return False
        if later_end > end:
            return end > start
    return False


def gap_text(between: str) -> str:
    """White space as a page prints it: paragraphs stay apart, wrapped lines flow."""
    if between in _KEPT:
        return between
    if re.fullmatch(r"\s*\n\s*\n\s*", between):
        return "\n\n"
    return re.sub(r"\s+", " ", between)
