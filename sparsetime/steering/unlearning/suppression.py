"""Activation of chosen features in a model, and its distance from the model as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime.interventions.generate import logits_of
from sparsetime.interventions.site_exchange import exchange
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel
from sparsetime.models.site_tensors import as_batch_time_d
from sparsetime.support import Support

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True, eq=False)
class SiteRead:
    """Activations of sites by path, and the logits, of one pass."""

    activations: dict[str, Float[Tensor, "batch time d"]]
    logits: Float[Tensor, "batch time vocabulary"]


@final
@dataclass(frozen=True, eq=False)
class Suppression:
    """Activations of chosen features, and how far a changed model is from the one as it is."""

    model: LoadedModel
    sites: Mapping[str, Dictionary]
    chosen: Mapping[str, Int[np.ndarray, " some"]]

    def read(self, tokens: Int[Tensor, "batch time"], gradients: bool = False) -> SiteRead:
        """One pass without a cache, of which `gradients` says whether it is differentiated."""
        module = self.model.model
        found: dict[str, Tensor] = {}

        def record(site: str) -> Callable[[Tensor], Tensor]:
            def recorded(tensor: Tensor) -> Tensor:
                found[site] = as_batch_time_d(tensor, site, *tokens.shape)
                return tensor

            return recorded

        with ExitStack() as hooks:
            for site in self.sites:
                hooks.callback(exchange(module, site, record(site)).remove)
            hooks.enter_context(eval_mode(module))
            hooks.enter_context(torch.set_grad_enabled(gradients))
            output = module(input_ids=tokens, use_cache=False)
        return SiteRead(found, logits_of(output, module))

    def activation(self, read: SiteRead) -> Float[Tensor, ""]:
        """The mean of max(pre, 0) over chosen features and steps, in each dictionary's units."""
        total = []
        for site, sae in self.sites.items():
            x = read.activations[site].flatten(0, 1)
            rows = sae.centred(sae.normalisation.normalise(x))
            indices = torch.from_numpy(np.sort(self.chosen[site])).expand(len(x), -1)
            support = Support.of_full_rows(indices.contiguous(), sae.width)
            total.append(sae.encoder.preacts_at(rows, support).relu().mean())
        return torch.stack(total).mean()

    def relative_activation(
        self, tokens: Int[Tensor, "batch time"], before: float
    ) -> Float[Tensor, ""]:
        """The mean activation of a differentiated pass, over that of the model as it was."""
        return self.activation(self.read(tokens, gradients=True)) / max(before, 1e-12)

    def distance(self, changed: SiteRead, plain: SiteRead) -> Float[Tensor, ""]:
        """Mean squared distance of activations, in units of each site's spread."""
        parts = [
            (changed.activations[site] - plain.activations[site]).square().sum(-1).mean()
            / sae.normalisation.scale.square().mean()
            for site, sae in self.sites.items()
        ]
        return torch.stack(parts).mean()

    @torch.no_grad()
    def measured(self, parts: Mapping[str, tuple[Tensor, Tensor]], batch: int) -> dict[str, float]:
        """Means over the windows that are held out."""
        values: dict[str, list[float]] = {"activation": []}
        for name, (_, held_out) in parts.items():
            for tokens in held_out.split(batch):
                read = self.read(tokens)
                values.setdefault(name, []).extend(
                    [_next_token_loss(read.logits, tokens)] * len(tokens)
                )
                if name == "forget":
                    values["activation"].extend([float(self.activation(read))] * len(tokens))
        return {name: float(np.mean(own)) for name, own in values.items()}


def _next_token_loss(
    logits: Float[Tensor, "batch time vocabulary"], tokens: Int[Tensor, "batch time"]
) -> float:
    predicted = logits[:, :-1].flatten(0, 1).float()
    return float(functional.cross_entropy(predicted, tokens[:, 1:].flatten().to(predicted.device)))


def kl_of_logits(plain: Tensor, changed: Tensor) -> Float[Tensor, ""]:
    """Mean KL(plain || changed) of next-token distributions, in nats."""
    p, q = (logits.flatten(0, 1).float().log_softmax(-1) for logits in (plain, changed))
    return functional.kl_div(q, p, reduction="batchmean", log_target=True)
