"""Lists and words of the sequences of a run."""

from __future__ import annotations

import json

import numpy as np

from sparsetime.errors import DataError
from sparsetime.explorer.workbench.recording_labels import with_value
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import DocumentLine, DocumentPage, DocumentText

MOST_STEPS = 20_000


def documents(
    opened: RunCache, key: str, words: str = "", offset: int = 0, limit: int = 50, only: str = ""
) -> DocumentPage:
    """The indexed sequences whose name has all of `words`, or whose text has them as written.

    only: a condition `label:value`, which the others do not meet.

    Errors: UnknownNameError for a dictionary that the run does not show, a label or a value.
    """
    shown = opened.dictionary(key)
    indexed = shown.index.sequences
    table = shown.store.sequences
    place = np.searchsorted(shown.store.sequence_indices, indexed["sequence"].to_numpy())
    labels, texts = table["labels"], table["text"]
    query = words.lower().strip()
    lines = []
    for chosen, at, number, name, length in zip(
        with_value(opened, key, only).tolist(),
        place.tolist(),
        indexed["sequence"].to_pylist(),
        indexed["id"].to_pylist(),
        indexed["length"].to_pylist(),
        strict=True,
    ):
        if not chosen:
            continue
        title = str(json.loads(labels[at].as_py()).get("name", name))
        if query and not all(word in f"{name} {title}".lower() for word in query.split()):
            text = texts[at].as_py()
            if text is None or query not in text.lower():
                continue
        lines.append(DocumentLine(sequence=number, id=name, title=title, length=length))
    return DocumentPage(total=len(lines), lines=lines[offset : offset + limit])


def document(
    opened: RunCache,
    key: str,
    sequence: int,
    first: int = 0,
    stop: int | None = None,
    most: int | None = MOST_STEPS,
) -> DocumentText:
    """The words of the steps `first` to `stop` (exclusive), at most `most` of them; None for all.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, length = segment(opened, key, sequence, first, stop)
    stop = stop if most is None else min(stop, first + most)
    whole = opened.document(key, sequence)
    place = int(np.searchsorted(opened.dictionary(key).store.sequence_indices, sequence))
    return DocumentText(
        sequence=sequence,
        id=whole.id,
        title=whole.title,
        length=length,
        first=first,
        words=list(whole.words[first:stop]),
        gaps=list(whole.gaps[first:stop]),
        is_text=opened.dictionary(key).store.sequences["text"][place].is_valid,
        start=whole.start,
        step=whole.step,
        time_unit=whole.time_unit,
    )


def segment(
    opened: RunCache, key: str, sequence: int, first: int, stop: int | None
) -> tuple[int, int, int]:
    """The first step, the step after the last, and the length of the sequence, checked.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    indexed = opened.dictionary(key).index.sequences
    numbers = indexed["sequence"].to_numpy()
    at = int(np.searchsorted(numbers, sequence))
    if at == len(numbers) or numbers[at] != sequence:
        raise DataError(
            f"sequence {sequence} is not in the index of {key}, which holds {len(numbers):,} "
            f"sequences, numbers {numbers[0]} to {numbers[-1]}"
        )
    length = indexed["length"][at].as_py()
    stop = length if stop is None else min(stop, length)
    if not 0 <= first < stop:
        raise DataError(
            f"steps {first} to {stop} are no segment of sequence {sequence}, whose steps are 0 to "
            f"{length - 1}"
        )
    return first, stop, length
