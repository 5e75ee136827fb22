"""Null models of codes and atoms: shuffled steps, circular shifts, random atoms, random codes."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError

SHUFFLED = "steps shuffled within every sequence"
_AT_ONCE = 4096


def shuffled_steps(
    code: SparseCode, lengths: Int[np.ndarray, " sequences"], seed: int
) -> SparseCode:
    """The code with the steps of every sequence in a random order.

    Firing rates and co-activation stay; the order in time is lost. `lengths`: steps of each
    sequence, one after another.
    """
    return reordered(code, shuffled_order(lengths, seed))


def shuffled_order(
    lengths: Int[np.ndarray, " sequences"], seed: int, *key: int
) -> Int[np.ndarray, " rows"]:
    """A random order of the rows in which every row stays in its own sequence.

    key: further numbers that tell draws of one seed apart.
    """
    rng = seeds.numpy_generator(seed, "shuffled steps", *key)
    number = np.repeat(np.arange(len(lengths)), lengths)
    return np.lexsort((rng.random(len(number)), number))


def circular_shift(
    position: Int[np.ndarray, " events"],
    length: Int[np.ndarray, " events"],
    shift: Float[np.ndarray, " events"],
) -> Int[np.ndarray, " events"]:
    """Positions within a sequence of that length, shifted circularly by a share of it.

    Distances between events with one shift stay. Their position in the sequence, and their distance
    to events with another shift, become random.
    """
    return np.asarray((position + (shift * length).astype(np.int64)) % length)


def random_atoms(count: int, d: int, seed: int, *key: int) -> Float[Tensor, "count d"]:
    """Unit vectors in random directions; `key`: further numbers that tell draws of a seed apart."""
    drawn = torch.randn(count, d, generator=seeds.torch_generator(seed, "random atoms", *key))
    return torch.nn.functional.normalize(drawn)


@torch.no_grad()
def random_code(x: Float[Tensor, "rows d"], width: int, active: int, seed: int = 0) -> SparseCode:
    """The code of a random dictionary: on each row, the `active` atoms with the largest product.

    Atoms are `random_atoms`. The mean of x is subtracted first; otherwise the same atoms would be
    active on every row. A metric of this code measures the activations and the sparse form alone,
    and nothing that was learnt.

    Errors: ConfigError where `active` is not from 1 to `width`.
    """
    if not 1 <= active <= width:
        raise ConfigError(
            f"got active={active}, expected 1 to {width}, the width of the random dictionary"
        )
    atoms = random_atoms(width, x.shape[1], seed)
    mean = x.float().mean(0)
    indices, values = [], []
    for rows in torch.split(x.float(), _AT_ONCE):
        best = ((rows - mean) @ atoms.T).topk(active, dim=1)
        ascending = best.indices.sort(dim=1)
        indices.append(ascending.values.reshape(-1))
        values.append(best.values.gather(1, ascending.indices).reshape(-1).clamp_min(0))
    offsets = torch.arange(0, len(x) * active + 1, active)
    code = SparseCode(offsets, torch.cat(indices), torch.cat(values), width, (len(x),))
    return code.keep(code.values > 0)


def reordered(code: SparseCode, order: Int[np.ndarray, " rows"]) -> SparseCode:
    """The code with its rows in another order, or with some of them."""
    counts = code.counts.numpy()[order]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = code.offsets.numpy()[:-1][order]
    entry = np.repeat(first - offsets[:-1], counts) + np.arange(offsets[-1])
    entries = torch.from_numpy(entry)
    indices, values = code.indices[entries], code.values[entries]
    shape = code.shape if len(order) == code.rows else (len(order),)
    return SparseCode(torch.from_numpy(offsets), indices, values, code.width, shape)
