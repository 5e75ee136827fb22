"""The common recurrence: attention, state spaces and recurrent networks as one dynamical system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.mixers.associative import Associative
from sparsetime.sequence_models.mixers.attention import Attention
from sparsetime.sequence_models.mixers.lssl import LSSL
from sparsetime.sequence_models.mixers.mixer import Mixer, join_heads, split_heads
from sparsetime.sequence_models.mixers.rnn import RNN


@final
@dataclass(frozen=True)
class LinearRecurrence:
    """Groups of a linear recurrence with coefficients of every step.

        h_t = A_t h_{t-1} + B_t u_t,     y_t = C_t h_t

    a: [batch, groups, time, states, states], b: [.., states, inputs], c: [.., outputs, states],
    u: [batch, groups, time, inputs].

    Source: Sieber et al. 2024, Understanding the differences in foundation models,
    arXiv:2405.15731.
    """

    a: Float[Tensor, "batch groups time states states"]
    b: Float[Tensor, "batch groups time states inputs"]
    c: Float[Tensor, "batch groups time outputs states"]
    u: Float[Tensor, "batch groups time inputs"]

    def outputs(self) -> Float[Tensor, "batch groups time outputs"]:
        """Y of every step, computed as the recurrence says."""
        h = self.u.new_zeros(*self.u.shape[:2], self.a.shape[-1], 1)
        rows = []
        parts = (x.unbind(2) for x in (self.a, self.b, self.c, self.u))
        for a, b, c, u in zip(*parts, strict=True):
            h = a @ h + b @ u[..., None]
            rows.append((c @ h)[..., 0])
        return torch.stack(rows, 2)


def recurrence_of(mixer: Mixer, x: Float[Tensor, "batch time d"]) -> LinearRecurrence:
    """A mixer's computation on a sequence as the common recurrence.

    Linear attention: h holds the memory, A its retention, B the key and C the query. Softmax
    attention: h holds every value in a place of its own, so it grows with length, and C the
    softmax. State space: its own A, B and C. Gated recurrent unit: A is its update gate, and u its
    candidate times what the gate leaves, both as the unit computes them.

    Errors: ConfigError for a mixer that is none of these.
    """
    if isinstance(mixer, Associative) and mixer.loss == "dot" and mixer.carry is None:
        return _of_linear_attention(mixer, x)
    if isinstance(mixer, Attention):
        return _of_attention(mixer, x)
    if isinstance(mixer, LSSL):
        return _of_state_space(mixer, x)
    if isinstance(mixer, RNN) and isinstance(mixer.cell, nn.GRU):
        return _of_gru(mixer, x)
    raise ConfigError(
        f"got the mixer {mixer.kind!r}, expected linear attention (associative with loss 'dot' and "
        "no momentum), attention, lssl or rnn with the cell 'gru'"
    )


def native_outputs(
    mixer: Mixer, x: Float[Tensor, "batch time d"], recurrence: LinearRecurrence
) -> Float[Tensor, "batch time d"]:
    """The outputs of the mixer whose recurrence this is, behind its own output maps."""
    y = join_heads(recurrence.outputs())
    if isinstance(mixer, Associative | Attention):
        outputs: Tensor = mixer.out(y)
        return outputs
    if isinstance(mixer, LSSL):
        skipped: Tensor = mixer.out(gelu(y + mixer.skip * x))
        return skipped
    return y


def _of_linear_attention(mixer: Associative, x: Tensor) -> LinearRecurrence:
    q, k = (split_heads(of(x), mixer.heads) for of in (mixer.queries, mixer.keys))
    q, k = normalize(q, dim=-1), normalize(k, dim=-1)
    v = split_heads(mixer.values(x), mixer.heads)
    unit = torch.eye(v.shape[-1], dtype=x.dtype, device=x.device)
    size = k.shape[-1] * v.shape[-1]
    kept = mixer.retention_of(x).exp().expand(x.shape[0], -1, x.shape[1])
    whole = torch.eye(size, dtype=x.dtype, device=x.device)
    # The memory is flattened with the value's dimension last.
    b = torch.einsum("bhtk,vw->bhtkvw", k, unit).flatten(3, 4)
    c = torch.einsum("bhtk,vw->bhtvkw", q, unit).flatten(4, 5)
    return LinearRecurrence(kept[..., None, None] * whole, b, c, v)


def _of_attention(mixer: Attention, x: Tensor) -> LinearRecurrence:
    weights = mixer.read_weights(x)
    v = split_heads(mixer.inputs(x).chunk(3, -1)[2], mixer.heads)
    batch, heads, time, d = v.shape
    unit = torch.eye(d, dtype=x.dtype, device=x.device)
    place = torch.eye(time, dtype=x.dtype, device=x.device)
    whole = torch.eye(time * d, dtype=x.dtype, device=x.device)
    b = torch.einsum("ti,vw->tivw", place, unit).flatten(1, 2)
    c = torch.einsum("bhti,vw->bhtviw", weights, unit).flatten(4, 5)
    a = whole.expand(batch, heads, time, -1, -1)
    return LinearRecurrence(a, b.expand(batch, heads, -1, -1, -1), c, v)


def _of_state_space(mixer: LSSL, x: Tensor) -> LinearRecurrence:
    matrix, gain = mixer.discretised()
    shape = (x.shape[0], -1, x.shape[1], -1, -1)
    return LinearRecurrence(
        matrix[None, :, None].expand(*shape),
        gain[None, :, None, :, None].expand(*shape),
        mixer.read.weight[None, :, None, None].expand(*shape),
        x.transpose(1, 2)[..., None],
    )


def _of_gru(mixer: RNN, x: Tensor) -> LinearRecurrence:
    """Gates of torch's unit at the states that it goes through."""
    cell = mixer.cell
    states, _ = cell(x)
    before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], 1)
    weights = dict(cell.named_parameters())
    own = (x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]).chunk(3, -1)
    past = (before @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]).chunk(3, -1)
    reset = torch.sigmoid(own[0] + past[0])
    update = torch.sigmoid(own[1] + past[1])
    candidate = torch.tanh(own[2] + reset * past[2])
    unit = torch.eye(x.shape[2], dtype=x.dtype, device=x.device)
    whole = unit.expand(x.shape[0], 1, x.shape[1], -1, -1)
    return LinearRecurrence(
        torch.diag_embed(update)[:, None], whole, whole, ((1 - update) * candidate)[:, None]
    )
