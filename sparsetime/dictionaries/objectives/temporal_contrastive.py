"""Temporal contrastive loss between neighbours in time."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime import kernels
from sparsetime.codes import SparseCode
from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.partition import Partition
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support

_TINY = 1e-24  # the square of the length of an empty code


@final
@component("temporal_contrastive")
class TemporalContrastive(Term):
    """InfoNCE between a row and its earlier neighbour on the code of the first group.

        loss = ½ · mean_n (CE(S_n·, n) + CE(S_·n, n)),    S_nm = cos(h_n, h'_m) / temperature

    h: the first group's code of the rows; h': that of their earlier neighbours. Rows are compared
    within blocks of `block` rows, so the cost is linear in the batch.

    Source: Bhalla et al. 2025, Temporal Sparse Autoencoders, arXiv:2511.05541. The authors' public
    code takes dot products in place of cosines, which also rewards large values.
    """

    needs = frozenset({"earlier"})
    group_names = ("high", "low")

    #: Cosines are the same at any scale, but their gradient is larger for shorter codes: of half
    #: the rows it would leave no latent of the first group.
    first_share = 1.0
    latent_tensors = frozenset()

    def __init__(self, weight: float = 0.1, block: int = 1024, temperature: float = 0.1) -> None:
        if block < 2 or temperature <= 0:
            raise ConfigError(
                f"got block={block} and temperature={temperature}, expected a block of at least 2 "
                "rows and a temperature above 0"
            )
        super().__init__(weight=weight, block=block, temperature=temperature)
        self.block, self.temperature = block, temperature

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        earlier = required(step.earlier, "earlier")
        high = step.decoder.groups[0]
        rows = step.x.shape[0]
        total = step.x.new_zeros(())
        for start in range(0, rows, self.block):
            stop = min(start + self.block, rows)
            now = step.code.row_slice(start, stop).prefix(high)
            before = earlier.row_slice(start, stop).prefix(high)
            logits = _cosines(now, before, step.partition) / self.temperature
            positives = torch.arange(stop - start, device=logits.device)
            both = functional.cross_entropy(logits, positives) + functional.cross_entropy(
                logits.T, positives
            )
            total = total + both * (stop - start) / (2 * rows)
        return total


def _cosines(
    now: SparseCode, before: SparseCode, partition: Partition
) -> Float[Tensor, "rows others"]:
    """Cosines of every code with every other, 0 for an empty one."""
    if partition.has_all_latents:
        return _products(*(_normalised(code) for code in (now, before)))
    # Sums first: whatever is computed from them must be the same on all processes.
    products = partition.over_latents(_products(now, before))
    lengths = [
        partition.over_latents(_squares(code)).clamp_min(_TINY).sqrt() for code in (now, before)
    ]
    return products / lengths[0][:, None] / lengths[1]


def _products(now: SparseCode, before: SparseCode) -> Float[Tensor, "rows others"]:
    """Dot products of every code with every other.

    The cost is entries · others: only one side is dense, by latent.
    """
    places = before.indices * before.rows + before.row_of_entry
    flat = before.values.new_zeros(before.width * before.rows).index_add(0, places, before.values)
    support = Support(now.offsets, now.indices, now.width)
    return kernels.decode(now.values, support, flat.view(before.width, before.rows))


def _normalised(code: SparseCode) -> SparseCode:
    """The code with rows of length 1."""
    lengths = _squares(code).clamp_min(_TINY).sqrt()
    return replace(code, values=code.values / lengths[code.row_of_entry])


def _squares(code: SparseCode) -> Float[Tensor, " rows"]:
    """Squared length of every row."""
    zeros = code.values.new_zeros(code.rows)
    return zeros.index_add(0, code.row_of_entry, code.values.square())
