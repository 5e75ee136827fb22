"""Mixture of experts: a few of many small networks compute every step."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.sequence_models.channels.channel import Channel
from sparsetime.sequence_models.extra_site import ExtraSite
from sparsetime.sequence_models.sequence_component import Count


@final
@component("experts", example={"d": 8, "experts": 3, "k": 2})
class Experts(Channel):
    """A mixture of small networks, of which the k best of every step are evaluated.

        y_t = sum_{e in top k} g_{t,e} MLP_e(x_t),    g_t = softmax of (G x_t)_e over the top k

    The balance term, which training adds to its loss, is experts * sum_e f_e p_e: f, the share of
    steps that choose e, and p, the mean probability of e over all experts; 1 where the load is
    even. It is at `balance` after a call.

    experts: their number. k: experts a step. expand: hidden units of each, as a multiple of d. The
    extra site "choices" has the weights [experts] of every step, 0 for those that are not chosen.

    Source: Shazeer et al. 2017, arXiv:1701.06538; balance: Fedus et al. 2021, arXiv:2101.03961;
    Time-MoE: Shi et al. 2024, arXiv:2409.16040.
    """

    def __init__(self, d: Count, experts: Count = 8, k: Count = 2, expand: Count = 1) -> None:
        super().__init__(d=d, experts=experts, k=k, expand=expand)
        if k > experts:
            raise ConfigError(f"got k={k} of experts={experts}, expected at most all of them")
        self.k = k
        self.gate = nn.Linear(d, experts, bias=False)
        self.into = nn.ModuleList(nn.Linear(d, expand * d) for _ in range(experts))
        self.out = nn.ModuleList(nn.Linear(expand * d, d) for _ in range(experts))
        self.sites = nn.ModuleDict({"choices": ExtraSite()})
        self.balance: Tensor | None = None

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps."""
        flat = x.flatten(0, 1)
        logits = self.gate(flat)
        best = logits.topk(self.k, -1)
        weights = torch.zeros_like(logits).scatter(-1, best.indices, best.values.softmax(-1))
        chosen = torch.zeros_like(logits).scatter(-1, best.indices, 1.0)
        load = chosen.mean(0) / self.k
        self.balance = logits.shape[1] * (load * logits.softmax(-1).mean(0)).sum()
        choices = self.sites["choices"]
        if isinstance(choices, ExtraSite) and choices.is_hooked:
            choices(weights.unflatten(0, x.shape[:2]))
        y = torch.zeros_like(flat)
        for number, (into, out) in enumerate(zip(self.into, self.out, strict=True)):
            rows = chosen[:, number].nonzero()[:, 0]
            if len(rows):
                values = out(nn.functional.gelu(into(flat[rows])))
                y = y.index_add(0, rows, weights[rows, number, None] * values)
        outputs: Tensor = y.unflatten(0, x.shape[:2])
        return outputs
