"""Block-sparse attention on a CPU: torch's flash kernel over gathered keys, or compiled loops.

Wide tiles of queries go through the flash kernel. Loops read the keys of narrow tiles, such as the
single query of a decoding step, where gathering would take longer than attending.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.attention_pattern import AttentionPattern
from sparsetime.kernels import attend_reference
from sparsetime.kernels.attend_merge import merge
from sparsetime.kernels.attend_pieces import AttendPiece, pieces_of

# Rows of a tile, over the heads that share it, below which loops are faster than gathered keys.
_NARROW = 32
# Keys up to which, of narrow tiles, dense scores under a mask are faster than lists of keys.
_SHORT = 128

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def attend(
    q: Float[Tensor, "batch heads queries d"],
    k: Float[Tensor, "batch key_heads keys d"],
    v: Float[Tensor, "batch key_heads keys d_value"],
    pattern: AttentionPattern,
    scale: float,
) -> tuple[Float[Tensor, "batch heads queries d_value"], Float[Tensor, "batch heads queries"]]:
    """See `attend.attend`; the pattern has as many heads as keys have, or a multiple."""
    if _is_narrow(q, pattern):
        if pattern.queries > 1 and pattern.keys <= _SHORT:
            return attend_reference.attend(q, k, v, pattern, scale)
        return _attend_narrow(q, k, v, pattern, scale)
    size = v.shape[3]
    q, k, v = _of_one_size(q, k, v)
    flat = [t.contiguous().reshape(-1, t.shape[-1]) for t in (q, k, v)]
    out = torch.zeros_like(flat[0])
    lse = torch.full((out.shape[0],), -torch.inf)
    for piece in pieces_of(pattern):
        places = _Places(piece, pattern, q.shape[1], k.shape[1])
        tiles = places.gather(*flat)
        tile_out, tile_lse = _flash(*tiles, attn_mask=_bias(piece, q.dtype), scale=scale)
        if piece.mask is not None:  # the flash kernel returns 0 where no key is read
            reads = piece.mask.any(2)[:, None]
            tile_lse = tile_lse.masked_fill(~reads, -torch.inf)
        _merge_into(out, lse, places.queries, tile_out, tile_lse)
    return out.reshape(q.shape)[..., :size], lse.reshape(q.shape[:3])


def attend_backward(
    grad: Float[Tensor, "batch heads queries d_value"],
    lse_grad: Float[Tensor, "batch heads queries"] | None,
    q: Float[Tensor, "batch heads queries d"],
    k: Float[Tensor, "batch key_heads keys d"],
    v: Float[Tensor, "batch key_heads keys d_value"],
    out: Float[Tensor, "batch heads queries d_value"],
    lse: Float[Tensor, "batch heads queries"],
    pattern: AttentionPattern,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients to q, k and v, piece by piece.

    The weights that a piece computes with the merged log-sum-exp are those of the whole softmax, so
    with the merged output the gradients of the pieces add up to the exact ones:

        dS = P ∘ (dO V' - rowsum(dO ∘ out) + dlse),   P = exp(scale Q K' - lse)

    The flash kernel has no gradient of its log-sum-exp. A further dimension in which V is 0, dO is
    1 and out is -dlse adds it to the row sums, and changes nothing else.
    """
    if _is_narrow(q, pattern) and pattern.queries > 1 and pattern.keys <= _SHORT:
        return attend_reference.attend_backward(grad, lse_grad, q, k, v, out, lse, pattern, scale)
    shapes = [t.shape for t in (q, k, v)]
    if lse_grad is not None:
        v = functional.pad(v, (0, 1))
        grad = functional.pad(grad, (0, 1), value=1.0)
        out = torch.cat([out, -lse_grad[..., None].to(out.dtype)], -1)
    q, k, v, grad, out = _of_one_size(q, k, v, grad, out)
    flat_q, flat_k, flat_v, flat_grad, flat_out = (
        t.contiguous().reshape(-1, t.shape[-1]) for t in (q, k, v, grad, out)
    )
    sums = [torch.zeros(t.shape) for t in (flat_q, flat_k, flat_v)]
    flat_lse = torch.where(lse.isneginf(), 0.0, lse).reshape(-1)
    for piece in pieces_of(pattern):
        places = _Places(piece, pattern, q.shape[1], k.shape[1])
        # Padding of a tile repeats its last query, which must not count twice.
        counts = piece.is_query[:, None, :, None].to(grad.dtype)
        to_q, to_k, to_v = _flash_backward(
            _taken(flat_grad, places.queries) * counts,
            *places.gather(flat_q, flat_k, flat_v),
            _taken(flat_out, places.queries),
            flat_lse[places.queries],
            0.0,
            False,
            attn_mask=_bias(piece, q.dtype),
            scale=scale,
        )
        _add(sums[0], places.queries, to_q)
        _add(sums[1], places.keys, to_k.sum(1, keepdim=True))
        _add(sums[2], places.keys, to_v.sum(1, keepdim=True))
    made = [
        total.reshape(*shape[:3], -1)[..., : shape[3]].to(q.dtype)
        for total, shape in zip(sums, shapes, strict=True)
    ]
    return made[0], made[1], made[2]


def _is_narrow(q: Tensor, pattern: AttentionPattern) -> bool:
    widest = int(pattern.query_bounds.diff().max()) if pattern.query_units else 0
    return q.shape[1] // pattern.heads * widest < _NARROW


class _Places:
    """Rows of the flattened tensors that a piece reads: queries and keys of every tile.

    queries [n, group, unit]: rows of q, where a tile has the queries of all heads that share it;
    keys [n, 1, listed]: rows of k and v.
    """

    def __init__(
        self, piece: AttendPiece, pattern: AttentionPattern, heads: int, key_heads: int
    ) -> None:
        place = piece.tiles // pattern.query_units
        batch, head = place // pattern.heads, place % pattern.heads
        self.group = heads // pattern.heads
        of_group = torch.arange(self.group)
        first = (batch * heads + head * self.group)[:, None] + of_group
        self.queries = first[..., None] * pattern.queries + piece.queries[:, None]
        key_head = batch * key_heads + head * key_heads // pattern.heads
        self.keys = key_head[:, None, None] * pattern.keys + piece.keys[:, None]

    def gather(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keys, values = (_taken(t, self.keys).expand(-1, self.group, -1, -1) for t in (k, v))
        return _taken(q, self.queries), keys, values


def _taken(rows: Float[Tensor, "all d"], index: Tensor) -> Float[Tensor, "n m k d"]:
    return rows.index_select(0, index.reshape(-1)).reshape(*index.shape, -1)


def _add(total: Float[Tensor, "all d"], index: Tensor, values: Float[Tensor, "n m k d"]) -> None:
    flat = index.reshape(-1, 1).expand(-1, total.shape[1])
    total.scatter_add_(0, flat, values.reshape(flat.shape).float())


def _bias(piece: AttendPiece, dtype: torch.dtype) -> Tensor | None:
    if piece.mask is None:
        return None
    bias = torch.zeros(piece.mask.shape, dtype=dtype).masked_fill_(~piece.mask, -torch.inf)
    return bias[:, None]


def _merge_into(
    out: Tensor, lse: Tensor, index: Tensor, tile_out: Tensor, tile_lse: Tensor
) -> None:
    """Merge the attention of a piece with that of the pieces before, in place."""
    flat = index.reshape(-1)
    before = lse[flat]
    if bool(before.isneginf().all()):
        out.index_copy_(0, flat, tile_out.reshape(flat.shape[0], -1))
        lse.index_copy_(0, flat, tile_lse.reshape(-1))
        return
    merged, sums = merge(
        [
            (out[flat].float(), before),
            (tile_out.reshape(flat.shape[0], -1).float(), tile_lse.reshape(-1)),
        ]
    )
    out.index_copy_(0, flat, merged.to(out.dtype))
    lse.index_copy_(0, flat, sums)


def _of_one_size(*tensors: Tensor) -> list[Tensor]:
    """Tensors padded with zeros to one size of the last axis, which the flash kernel expects."""
    size = max(t.shape[-1] for t in tensors)
    return [
        functional.pad(t, (0, size - t.shape[-1])) if t.shape[-1] < size else t for t in tensors
    ]


def _attend_narrow(
    q: Tensor, k: Tensor, v: Tensor, pattern: AttentionPattern, scale: float
) -> tuple[Tensor, Tensor]:
    """Compiled loops over the entries; in float32."""
    from sparsetime.kernels import loops

    arrays = [t.detach().float().contiguous().numpy() for t in (q, k, v)]
    out = torch.empty(*q.shape[:3], v.shape[3])
    lse = torch.empty(q.shape[:3])
    limits = [
        t.contiguous().numpy() for t in (*pattern.readable.limits, pattern.readable.positions)
    ]
    loops.attend_rows(
        *arrays,
        pattern.support.offsets.numpy(),
        pattern.support.indices.numpy(),
        pattern.is_full.numpy(),
        pattern.query_bounds.numpy(),
        pattern.key_bounds.numpy(),
        *limits,
        scale,
        out.numpy(),
        lse.numpy(),
    )
    return out.to(q.dtype), lse
