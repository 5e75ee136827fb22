"""Bytes that a training step exchanges between processes, by purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sparsetime.training.distributed import batch_selection
from sparsetime.training.distributed.row_selection import first_proposals

_FLOAT, _COUNT = 4, 8


@final
@dataclass(frozen=True)
class StepShape:
    """Sizes that decide what a step of a TopK, BatchTopK or Matryoshka dictionary exchanges.

    rows: of a group's share of the batch. processes: that divide the latents. groups: nested
    prefixes. dead_k: dead latents that reconstruct the residual of a row; 0 where none are dead.
    second_round: rows whose selection needs the second round. per_batch: whether the k largest are
    of the batch, in place of a row.
    """

    rows: int
    d: int
    k: int
    processes: int
    groups: int = 1
    dead_k: int = 0
    second_round: int = 0
    per_batch: bool = False


def sent_bytes(shape: StepShape) -> dict[str, float]:
    """Bytes that each process sends in one step, by purpose; none of them depends on the width.

        sum of n bytes over R processes:      2 n (R - 1) / R     (a ring)
        gather of n bytes from each of them:  n (R - 1)
        selection: 4 B m + 4 B' k gathered,   m: `first_proposals`, B': rows of a second round
        reconstruction: 4 B d G summed,       G: nested groups
        dead latents: 4 B m' gathered and 4 B d summed
        counts: 8 bytes each, the gradient's norm and a threshold 4

    The backward pass and the optimiser exchange nothing else: every process has the whole residual,
    and the gradients of its latents follow from it.
    """
    size = shape.processes
    ring, rest = 2 * (size - 1) / size, size - 1
    row = _FLOAT * shape.rows
    if shape.per_batch:
        histograms = sum(1 << width for _, width in batch_selection.DIGITS)
        selection = ring * _COUNT * (histograms + 1) + rest * _COUNT
    else:
        proposed = row * first_proposals(shape.k, size)
        selection = rest * (proposed + _FLOAT * shape.second_round * shape.k)
    sums = row * shape.d * shape.groups
    dead = 0.0
    if shape.dead_k:
        dead = rest * row * first_proposals(shape.dead_k, size) + ring * row * shape.d
    # Dead latents and active entries are counted; the norm of the gradient is one number, and so is
    # the smallest value of a batch, for the threshold.
    small = ring * (2 * _COUNT + _FLOAT + _FLOAT * shape.per_batch)
    return {
        "selection": selection,
        "reconstruction": ring * sums,
        "dead latents": dead,
        "counts and norms": small,
    }


def sent_bytes_of_rows(touched: int, width: int, d: int, groups: int) -> float:
    """Bytes that each process sends to divide rows among groups: touched rows of both matrices.

        ring · (2 · (W + 4 · touched · d) + 4 · (W + d))

    width: the latents of this process; touched: those that are active in some row of the batch.
    """
    ring = 2 * (groups - 1) / groups
    return ring * (2 * (width + _FLOAT * touched * d) + _FLOAT * (width + d))
