"""Codes and atoms with nothing to find, for measures to be compared with."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError
from sparsetime.metrics.temporal.sequences import Sequences

SHUFFLED = "steps shuffled within every sequence"
_AT_ONCE = 4096


def shuffled(sequences: Sequences, seed: int) -> Sequences:
    """The same steps of every sequence in an order of chance.

    What fires how often, and what with what, stays; when, does not.
    """
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(len(sequences.lengths)), sequences.lengths)
    order = np.lexsort((rng.random(len(number)), number))
    return sequences.with_code(_taken(sequences.code, order))


def rotated(
    place: Int[np.ndarray, " events"],
    length: Int[np.ndarray, " events"],
    shift: Float[np.ndarray, " events"],
) -> Int[np.ndarray, " events"]:
    """Places within a sequence of that length, moved on by a share of it, round the end.

    Distances of events that move together stay what they were; their place in the sequence, and
    their distance to those that move otherwise, are of chance.
    """
    return np.asarray((place + (shift * length).astype(np.int64)) % length)


def random_atoms(count: int, d: int, seed: int) -> Float[Tensor, "count d"]:
    """Unit vectors in directions of chance."""
    drawn = torch.randn(count, d, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn)


@torch.no_grad()
def random_code(x: Float[Tensor, "rows d"], width: int, active: int, seed: int = 0) -> SparseCode:
    """The code of a random dictionary: on each row, the `active` atoms that fit it best.

    Atoms are `random_atoms`; the mean of x is taken off first, since else the same atoms would be
    on everywhere. What a measure finds in this code is in the activations and in the form of a
    sparse code, and nothing that was learnt.

    Errors: ConfigError where more atoms would be on than there are.
    """
    if not 1 <= active <= width:
        raise ConfigError(
            f"between 1 and {width} of {width} random atoms can be on; {active} was asked for"
        )
    atoms = random_atoms(width, x.shape[1], seed)
    mean = x.float().mean(0)
    indices, values = [], []
    for part in torch.split(x.float(), _AT_ONCE):
        best = ((part - mean) @ atoms.T).topk(active, dim=1)
        ascending = best.indices.sort(dim=1)
        indices.append(ascending.values.reshape(-1))
        values.append(best.values.gather(1, ascending.indices).reshape(-1).clamp_min(0))
    offsets = torch.arange(0, len(x) * active + 1, active)
    every = SparseCode(offsets, torch.cat(indices), torch.cat(values), width, (len(x),))
    return every.keep(every.values > 0)


def _taken(code: SparseCode, order: Int[np.ndarray, " rows"]) -> SparseCode:
    """The rows of the code in another order."""
    counts = code.counts.numpy()[order]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = code.offsets.numpy()[:-1][order]
    entry = np.repeat(first - offsets[:-1], counts) + np.arange(offsets[-1])
    at = torch.from_numpy(entry)
    return SparseCode(
        torch.from_numpy(offsets), code.indices[at], code.values[at], code.width, code.shape
    )
