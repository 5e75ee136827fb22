"""Which segments of a store the page shows, and their words as the page prints them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from sparsetime.explorer.step_units import STEP, is_name, row_clock, time_unit
from sparsetime.explorer.step_words import Gaps, TimeWords
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.step_text import has_offsets, step_texts
from sparsetime.time_text import time_text

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence

STEPS = 128
_CHARACTERS = 600  # about what STEPS tokens of prose span
_RULE = re.compile(r"([*=~^-])\1\1")  # under a heading: a segment is better without one
_PLAIN_WORD = re.compile(r"\b[a-z]{2,}\b")


@dataclass(frozen=True)
class Excerpt:
    """A segment of one sequence: its steps `first` to `stop` (exclusive), and their words.

    sequence: the number in the whole store; words: one a step; gaps: the white space before each.
    is_text: whether the words are of a text; otherwise they are times, or numbers of steps where
    time is counted in them. start, step: the time of step 0, and from a step to the next, in
    `time_unit`; that is empty where the time of a step is its number, called `step_name`.
    """

    sequence: int
    id: str
    title: str
    first: int
    stop: int
    words: Sequence[str]
    gaps: Sequence[str]
    is_text: bool = True
    start: float = 0.0
    step: float = 1.0
    time_unit: str = ""
    step_name: str = STEP

    def time(self, step: int) -> str:
        """A step of the sequence as a moment in time: 0.532 seconds, or frame 53."""
        if not self.time_unit:
            return f"{self.step_name} {step:,}"
        text = time_text(self.start + self.step * step, self.step, self.start)
        return f"{text} {self.time_unit}"

    @property
    def span(self) -> str:
        """From when to when it is: 0.0 to 12.7 seconds (steps 0 to 127), or tokens 0 to 127."""
        last = self.stop - 1
        steps = f"{self.step_name}s {self.first:,} to {last:,}"
        if not self.time_unit:
            return steps
        first = self.time(self.first).removesuffix(f" {self.time_unit}")
        return f"{first} to {self.time(last)} ({steps})"


def choose_excerpts(
    store: Store, count: int = 4, among: Collection[int] | None = None, steps: int = STEPS
) -> list[Excerpt]:
    """The `count` segments that read most like prose, from different sequences.

    A segment begins at a paragraph; it reads like prose by the share of its characters that stand
    in plain lower-case words. The sources of the store take turns, so that each is seen. Without
    text: the beginnings of `count` sequences, evenly spread over the store. `among` are the
    sequences to choose from, by their numbers in the whole store; None for all.
    """
    numbers = store.sequence_indices.tolist()
    allowed = [place for place, number in enumerate(numbers) if among is None or number in among]
    texts = store.sequences["text"].to_pylist()
    if not any(texts[place] for place in allowed):
        chosen = np.linspace(0, len(allowed) - 1, min(count, len(allowed))).round()
        return [excerpt(store.sequence(allowed[int(n)]), 0, steps) for n in np.unique(chosen)]
    sources = store.sequences["source"].to_pylist()
    ranked: dict[str, list[tuple[float, int, int]]] = {}
    for place in allowed:
        text, source = texts[place], sources[place]
        if text:
            share, start = _best_start(text)
            ranked.setdefault(source or "", []).append((-share, place, start))
    queues = [sorted(ranked[source])[:count] for source in sorted(ranked, reverse=True)]
    turns = [best for turn in zip_longest(*queues) for best in turn if best is not None]
    return [excerpt(store.sequence(place), start, steps) for _, place, start in turns[:count]]


def _best_start(text: str) -> tuple[float, int]:
    """The share of plain words in the best segment of a text, and where that segment begins."""
    best = (-1.0, 0)
    starts = [0, *(match.end() for match in re.finditer(r"\n\s*\n", text))]
    for start in starts:
        segment = text[start : start + _CHARACTERS]
        if len(segment) < _CHARACTERS and start > 0:
            break
        plain = float(sum(len(word) for word in _PLAIN_WORD.findall(segment)))
        if _RULE.search(text, start, start + 2 * _CHARACTERS):
            plain /= 2
        best = max(best, (plain / _CHARACTERS, -start))
    return best[0], -best[1]


def excerpt(stored: StoredSequence, start: int, steps: int) -> Excerpt:
    """`steps` steps of a sequence from the character `start` on, or its last ones."""
    with_text = has_offsets(stored)
    first = 0
    if with_text:
        begins = to_numpy(stored.steps, "char_start")
        first = min(int(np.searchsorted(begins, start)), max(0, len(begins) - steps))
    stop = min(first + steps, len(stored))
    clock = row_clock(stored)
    counts = stored.step == 1 and stored.start == 0 and is_name(stored.unit)
    words: Sequence[str] = TimeWords(stored.times[first:stop], *clock)
    gaps: Sequence[str] = Gaps(stop - first)
    if with_text:
        pieces = list(_words(stored, first, stop))
        words, gaps = [word for word, _ in pieces], [gap for _, gap in pieces]
    return Excerpt(
        sequence=stored.index,
        id=stored.id,
        title=str(stored.labels.get("name", stored.id)),
        first=first,
        stop=stop,
        words=words,
        gaps=gaps,
        is_text=with_text,
        start=clock[0],
        step=clock[1],
        time_unit="" if counts else time_unit(stored.unit),
        step_name=stored.unit if counts else STEP,
    )


def _words(stored: StoredSequence, first: int, stop: int) -> Iterator[tuple[str, str]]:
    starts = to_numpy(stored.steps, "char_start")[first:stop].tolist()
    ends = to_numpy(stored.steps, "char_end")[first:stop].tolist()
    return step_texts(stored.text or "", starts, ends, starts[0] if starts else 0)
