"""Hysteresis and delta coding: compiled loops on a CPU, plain PyTorch elsewhere."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.kernels.dispatch import backend_name
from sparsetime.support import Support


@torch.no_grad()
def hysteresis(
    fires: Bool[Tensor, " entries"], support: Support, segments: Int[Tensor, " segments_plus_1"]
) -> Bool[Tensor, " entries"]:
    """Mask of active entries under hysteresis: those that fire, and those active one row before.

        active_t = fires_t or (candidate_t and active_{t-1})

    candidate: an entry of the support. Rows are consecutive within the segments that start at the
    given offsets; a latent without an entry in a row becomes inactive.
    """
    if backend_name(fires.device) != "cpu":
        return _hysteresis(fires, support, segments)
    from sparsetime.kernels import loops

    out = torch.empty_like(fires)
    arrays = (support.offsets, support.indices, fires, segments, out)
    loops.hysteresis(*(array.numpy() for array in arrays))
    return out


@torch.no_grad()
def delta_code(
    fresh: SparseCode,
    aim: Float[Tensor, "rows d"],
    atoms: Float[Tensor, "width d"],
    segments: Int[Tensor, " segments_plus_1"],
    tolerance: float,
    past: SparseCode,
) -> SparseCode:
    """Delta code of every row: the code of the row before, with as few changes as necessary.

    Within a segment a row starts from the code before it (`past` [segments] at the start). The
    values that differ most from the row's fresh code are replaced first, until

        ||aim - code @ atoms||² <= ||aim - fresh @ atoms||² + tolerance

    The error therefore does not accumulate over steps without a change.
    """
    if backend_name(aim.device) != "cpu":
        return _delta_code(fresh, aim, atoms, segments, tolerance, past)
    from sparsetime.kernels import loops

    offsets, indices, values = loops.delta_code(
        *(array.numpy() for array in (fresh.offsets, fresh.indices, fresh.values)),
        *(array.contiguous().numpy() for array in (aim, atoms, segments)),
        tolerance,
        (past.offsets.numpy(), past.indices.numpy(), past.values.numpy()),
        fresh.width,
    )
    arrays = [torch.from_numpy(array) for array in (offsets, indices, values)]
    return SparseCode(arrays[0], arrays[1], arrays[2], fresh.width, fresh.shape)


def _hysteresis(
    fires: Bool[Tensor, " entries"], support: Support, segments: Int[Tensor, " segments_plus_1"]
) -> Bool[Tensor, " entries"]:
    """Hysteresis by runs: one latent in consecutive rows of one segment, active once it fires."""
    row, rows = support.row_of_entry, support.rows
    order = torch.argsort(support.indices * rows + row)
    latent, row, fired = support.indices[order], row[order], fires[order].long()
    segment = torch.bucketize(row, segments[1:], right=True)
    begins = torch.ones_like(fires)
    begins[1:] = (latent.diff() != 0) | (row.diff() != 1) | (segment.diff() != 0)
    run = begins.cumsum(0) - 1
    total = fired.cumsum(0)
    before = (total - fired)[begins]
    return torch.empty_like(fires).scatter_(0, order, total > before[run])


def _delta_code(
    fresh: SparseCode,
    aim: Float[Tensor, "rows d"],
    atoms: Float[Tensor, "width d"],
    segments: Int[Tensor, " segments_plus_1"],
    tolerance: float,
    past: SparseCode,
) -> SparseCode:
    """Delta code of all segments in parallel, one step at a time, with dense values."""
    target, now = fresh.dense(), past.dense()
    out = torch.zeros_like(target)
    lengths = segments.diff()
    for step in range(int(lengths.max()) if lengths.numel() else 0):
        unfinished = (lengths > step).nonzero()[:, 0]
        rows = segments[unfinished] + step
        now[unfinished] = _changed(now[unfinished], target[rows], aim[rows], atoms, tolerance)
        out[rows] = now[unfinished]
    return SparseCode.from_dense(out)


def _changed(
    now: Float[Tensor, "some width"],
    target: Float[Tensor, "some width"],
    aim: Float[Tensor, "some d"],
    atoms: Float[Tensor, "width d"],
    tolerance: float,
) -> Float[Tensor, "some width"]:
    allowed = (aim - target @ atoms).square().sum(1) + tolerance
    change = target - now
    most = max(1, int((change != 0).sum(1).max()))
    order = change.abs().argsort(dim=1, descending=True, stable=True)[:, :most]
    steps = change.gather(1, order)
    error = (aim - now @ atoms)[:, None] - (steps[..., None] * atoms[order]).cumsum(1)
    error = torch.cat([(aim - now @ atoms)[:, None], error], 1).square().sum(2)
    within = error <= allowed[:, None]
    count = (~within).long().cumprod(1).sum(1)  # all changes where no prefix is within tolerance
    keep = torch.arange(most, device=now.device)[None] < count[:, None]
    return now.scatter(1, order, torch.where(keep, target.gather(1, order), now.gather(1, order)))
