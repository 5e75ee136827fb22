"""Rows of two stores of the same texts that end at the same character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from sparsetime.errors import MismatchError
from sparsetime.features.step_text import has_offsets

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence


def aligned_rows(
    left: Store, right: Store
) -> tuple[
    tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]],
    Int[np.ndarray, " sequences"],
    tuple[str, ...],
]:
    """Rows of both stores of tokens with the same last character, how many each text has, its id.

    Texts belong together by their id; those that only one store has are left out.

    Errors: MismatchError for stores without text, without a common id, and for texts of one id that
    differ.
    """
    other = {str(name): place for place, name in enumerate(right.sequences["id"].to_pylist())}
    begins = (left.segments.numpy_offsets, right.segments.numpy_offsets)
    rows: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    ids: list[str] = []
    for place, name in enumerate(left.sequences["id"].to_pylist()):
        if str(name) not in other:
            continue
        pair = (left.sequence(place), right.sequence(other[str(name)]))
        _check(pair)
        ids.append(str(name))
        ends = [one.steps["char_end"].to_numpy() for one in pair]
        if np.array_equal(*ends):
            a = b = np.arange(len(ends[0]))
        else:
            # Of tokens that end at one character, as marks of a word's beginning do, the first.
            _, a, b = np.intersect1d(*ends, return_indices=True)
        rows[0].append(begins[0][place] + a)
        rows[1].append(begins[1][other[str(name)]] + b)
    if not rows[0]:
        raise MismatchError(
            f"{left.path} and {right.path} have no sequence of one id; capture the same texts"
        )
    lengths = np.array([len(part) for part in rows[0]])
    return (np.concatenate(rows[0]), np.concatenate(rows[1])), lengths, tuple(ids)


def has_text(store: Store) -> bool:
    """Whether the steps of the first sequence have their characters."""
    return len(store.sequence_indices) > 0 and has_offsets(store.sequence(0))


def _check(pair: tuple[StoredSequence, StoredSequence]) -> None:
    for stored in pair:
        if not has_offsets(stored):
            raise MismatchError(
                f"{stored.id!r} has no text with the characters of its steps, by which steps of "
                f"two stores are aligned; index both on one store"
            )
    if pair[0].text != pair[1].text:
        raise MismatchError(
            f"{pair[0].id!r} is another text in the second store; capture the same texts"
        )
