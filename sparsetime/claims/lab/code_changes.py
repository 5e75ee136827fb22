"""How much of a code changes from step to step, and what that leaves unexplained."""

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


@final
@dataclass(frozen=True)
class CodeChanges:
    """Values of a dictionary on whole sequences, a step each.

    fvu: fraction of variance unexplained. l0: latents that are on. flips: latents that go on or
    off from a step to the next. changes: latents whose strength is another than at the step before,
    those that go on or off among them: what one would have to send to somebody who has the last
    code. flips and changes are means over steps that have one before them.
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
    """The values on whole sequences, all but `fvu` of the first `latents` alone, if given."""
    squares = total = 0.0
    mean = torch.zeros(dictionary.d_in, dtype=torch.float64)
    rows = pairs = on = flips = changes = 0
    for sequence in sequences:
        whole = concatenate(list(encode_chunks(dictionary, sequence)))
        squares += float((sequence - dictionary.decode(whole)).double().square().sum())
        total += float(sequence.double().square().sum())
        mean += sequence.double().sum(0)
        code = whole if latents is None else whole.prefix(latents)
        rows += code.rows
        on += code.indices.numel()
        pairs += max(0, code.rows - 1)
        flipped, changed = _between(code)
        flips += flipped
        changes += changed
    variance = total - float(mean.square().sum()) / rows
    return CodeChanges(
        squares / variance, on / rows, flips / max(1, pairs), changes / max(1, pairs)
    )


def _between(code: SparseCode) -> tuple[int, int]:
    """How many latents go on or off, and how many strengths change, over all of a sequence."""
    now, before = code.row_slice(1, code.rows), code.row_slice(0, code.rows - 1)
    strength, stayed = in_partner(now, before)
    _, stays = in_partner(before, now)
    flipped = int((~stayed).sum()) + int((~stays).sum())
    return flipped, flipped + int((stayed & (strength != now.values)).sum())
