"""Changes of a code from time step to time step, with the error of its reconstruction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode, concatenate
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.features.encoding import encode_chunks
from sparsetime.statistics.fvu import FvuSums


@final
@dataclass(frozen=True)
class CodeChanges:
    """Metrics of a dictionary on whole sequences.

    fvu: fraction of variance unexplained. l0: mean number of active latents. flips: latents that
    become active or silent from a time step to the next. changes: entries of the code that differ
    from those of the step before, flips included: the size of an update. flips and changes are
    means over steps that have a step before them.
    """

    fvu: float
    l0: float
    flips: float
    changes: float


@torch.no_grad()
def code_changes(
    dictionary: Dictionary,
    sequences: Iterable[Float[Tensor, "_time d"]],
    latents: int | None = None,
) -> CodeChanges:
    """Metrics on whole sequences; all but `fvu` of the first `latents` alone, if given."""
    sums = FvuSums(dictionary.d_in)
    rows = pairs = active = flips = changes = 0
    for sequence in sequences:
        whole = concatenate(list(encode_chunks(dictionary, sequence)))
        sums.add(sequence, sequence - dictionary.decode(whole))
        code = whole if latents is None else whole.prefix(latents)
        rows += code.rows
        active += code.indices.numel()
        pairs += max(0, code.rows - 1)
        flipped, changed = _flips_and_changes(code)
        flips += flipped
        changes += changed
    return CodeChanges(sums.value, active / rows, flips / max(1, pairs), changes / max(1, pairs))


def _flips_and_changes(code: SparseCode) -> tuple[int, int]:
    """Counts over a sequence: activations gained or lost, and entries that changed."""
    now, before = code.row_slice(1, code.rows), code.row_slice(0, code.rows - 1)
    earlier_value, was_active = in_partner(now, before)
    _, stays_active = in_partner(before, now)
    flips = int((~was_active).sum()) + int((~stays_active).sum())
    return flips, flips + int((was_active & (earlier_value != now.values)).sum())
