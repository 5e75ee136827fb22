"""Denoising along time: each patch, with noise of its own, from the patches before it."""

from __future__ import annotations

from math import pi
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm, check_no_overlap
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.sequence_component import Count


@final
@component("denoise", example={"d": 8, "content_size": 3})
class DenoiseNext(PretrainingTerm):
    """A diffusion of every patch, conditioned on what a causal model says of earlier ones.

        noisy_j = sqrt(a) x_j + sqrt(1 - a) n_j,    a = cos^2(pi u_j / 2),  u_j uniform
        loss = mean |x_j - F(noisy_j, a, h_{j-1})|^2

    h: vectors of the model over the clean patches; the first patch has none. F: a network with one
    hidden layer, where the paper has a transformer. is_noisy: False for prediction of the next
    patch alone. reads_earlier: False for denoising alone, from h_j of the noisy series.

    Source: Wang et al. 2024, TimeDART, arXiv:2410.05711, equations 4 to 10.
    """

    def __init__(
        self,
        d: Count,
        content_size: Count | None,
        is_noisy: bool = True,
        reads_earlier: bool = True,
    ) -> None:
        super().__init__(
            d=d, content_size=content_size, is_noisy=is_noisy, reads_earlier=reads_earlier
        )
        if content_size is None:
            raise ConfigError("got a view of symbols, expected one of values, which are denoised")
        if not (is_noisy or reads_earlier):
            raise ConfigError(
                "got is_noisy=False and reads_earlier=False, expected at least one: nothing else "
                "says what a patch holds"
            )
        self.is_noisy, self.reads_earlier = is_noisy, reads_earlier
        self.into = nn.Linear(content_size + 1, d)
        self.out = nn.Sequential(nn.Linear(2 * d, 2 * d), nn.GELU(), nn.Linear(2 * d, content_size))

    def check(self, model: SequenceModel) -> None:
        """Errors: ConfigError where what a patch is predicted from holds it.

        That is so where the model reads later steps, for overlapping patches, and for several
        places at a time.
        """
        check_no_overlap(self.kind, model)
        if model.view.places != 1:
            raise ConfigError(
                f"got {model.view.places} vectors at each time of the view {model.view.kind!r}, "
                "expected one patch after another, to which noise is added"
            )
        if self.reads_earlier and not all(block.mixer.is_causal for block in model.layers):
            raise ConfigError(
                f"got the model {model.name!r}, which reads later steps, expected causal mixers: "
                "what a patch is predicted from must not hold it; give mixers such as 'attention'"
            )

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The mean square error of all patches."""
        content = step.content
        uniform = torch.rand(*content.shape[:2], 1, generator=step.random)
        noise = torch.randn(content.shape, generator=step.random)
        kept = (uniform * pi / 2).cos().square().to(content)
        noisy = kept.sqrt() * content + (1 - kept).sqrt() * noise.to(content)
        if not self.is_noisy:
            noisy, kept = torch.zeros_like(noisy), torch.zeros_like(kept)
        query = self.into(torch.cat([noisy, kept], 2))
        if self.reads_earlier:
            vectors = nn.functional.pad(step.vectors[:, :-1], (0, 0, 1, 0))
        else:
            vectors = step.model.contextualise(self._embedded(step, noisy))
        return nn.functional.mse_loss(self.out(torch.cat([query, vectors], 2)), content)

    def _embedded(
        self, step: PretrainingPass, content: Float[Tensor, "batch time numbers"]
    ) -> Float[Tensor, "batch time d"]:
        """The vectors that the view gives to patches of these numbers."""
        view = step.model.view
        series = content.unflatten(2, (view.size, -1)).flatten(1, 2)
        vectors: Tensor = view(series)
        return vectors
