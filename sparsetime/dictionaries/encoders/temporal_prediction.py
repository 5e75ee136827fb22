"""Temporal prediction encoder: predicted and novel latents of every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import offsets_of
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.shared_pairs import SharedPairDecoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.causal_attention import CausalAttention
from sparsetime.dictionaries.encoders.shared_pairs import SharedPairEncoder
from sparsetime.dictionaries.sparsifiers.top_k import TopK
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support
from sparsetime.kernels.precision import selection_dtype
from sparsetime.segments import Segments
from sparsetime.state import ComponentState


@final
@dataclass(frozen=True)
class _Parts:
    """The two parts of rows.

    answer: of the attention, before its sign decides. predicted: activation values of the
    predicted latents. rest: what these leave of the rows. keep: the attention's next state.
    """

    answer: Float[Tensor, "rows half"]
    predicted: Float[Tensor, "rows half"]
    rest: Float[Tensor, "rows d"]
    keep: ComponentState


@final
@component("predictive", example={"d_in": 6, "width": 24, "heads": 2})
class TemporalPredictionEncoder(SharedPairEncoder):
    """Temporal prediction encoder: the first half of the latents is predicted, the second is novel.

        h = relu(W x + b)
        a[t] = relu(attention(query h[t], keys and values h[t - past], ..., h[t - 1]))
        v = a D;   c = relu(<v, x> / |v|^2)
        predicted = c a;   novel: the sparsifier's selection of W (x - c v) + b

    predicted: the most predicted latents of a step; None for all that are positive.
    past: the number of earlier steps that are attended to. inner: dimensions of keys, queries and
    values; None for `d_in`. heads: of the attention. Of the first step of a sequence nothing is
    predicted.

    weight W: [width / 2, d_in]; bias b: [width / 2]; D: the decoder's rows [width / 2, d_in].

    Source: Lubana et al. 2025, Priors in Time, arXiv:2511.01836, and its public code.
    """

    group_names = ("predicted", "novel")

    undivided = "its attention predicts every latent from all latents of the earlier steps"

    def __init__(
        self,
        d_in: int,
        width: int,
        predicted: int | None = None,
        past: int = 64,
        inner: int | None = None,
        heads: int = 4,
    ) -> None:
        if predicted is not None and predicted < 1:
            raise ConfigError(f"got predicted={predicted}, expected at least 1, or None for all")
        super().__init__(
            d_in,
            width,
            "half of the latents are predicted and half are novel",
            predicted=predicted,
            past=past,
            inner=inner,
            heads=heads,
        )
        self.predicted = predicted
        self.attention = CausalAttention(self.features, inner or d_in, heads, past)

    def incompatibility(self, composition: Composition) -> str | None:
        if not isinstance(composition.decoder, SharedPairDecoder):
            return (
                "the encoder 'predictive' says of every atom how much of it was predicted and how "
                "much is new; take decoder 'twofold', of which every two latents share one"
            )
        if composition.sparsifier.rule_kind != TopK.kind:
            return (
                "the encoder 'predictive' decides on the predicted latents itself, and the "
                "sparsifier on the novel ones alone; take 'top_k'"
            )
        if composition.out_dims is not None:
            return (
                "the encoder 'predictive' takes what it predicts off the step, so that both live "
                "in one space; take encoder 'linear' to write to another site"
            )
        return None

    def reset_parameters(self, generator: torch.Generator) -> None:
        self.attention.reset_parameters(generator)

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]:
        """What the prediction leaves of a row, which novel latents read, then the attention's
        answers, which are the pre-activations of predicted latents; 0 where there is no past.
        """
        parts = self._parted(inputs.x, inputs.in_time, None)
        return torch.cat([parts.rest, parts.answer], 1)

    def encode_train(
        self, inputs: EncoderInput, rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        parts = self._parted(inputs.x, inputs.in_time, None)
        novel = kernels.pre_activations(parts.rest, self.weight, self.bias, rule, dtype)
        return self._joined(parts.predicted, *novel)

    @torch.no_grad()
    def encode_eval(
        self, inputs: EncoderInput, rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        kept = inputs.state.get(self)
        parts = self._parted(inputs.x, inputs.in_time, kept)
        inputs.state.set(self, parts.keep)
        dtype = selection_dtype(inputs.x.device)
        novel = kernels.exact_pre_activations(parts.rest, self.weight, self.bias, rule, dtype)
        return self._joined(parts.predicted, *novel)

    def preacts_of(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        rest, answer = x[:, : self.d_in], x[:, self.d_in :]
        feature = latents % self.features
        novel = rest @ kernels.take_rows(self.weight, feature).T + self.bias[feature]
        return torch.where(latents >= self.features, novel, answer[:, feature])

    def preacts_at(self, x: Float[Tensor, "rows m"], support: Support) -> Float[Tensor, " entries"]:
        rest, answer = x[:, : self.d_in], x[:, self.d_in :]
        features = Support(support.offsets, support.indices % self.features, self.features)
        novel = kernels.gather_dot(rest.contiguous(), self.weight, features)
        novel = novel + kernels.at_entries(self.bias, features)
        predicted = answer[support.row_of_entry, features.indices]
        return torch.where(support.indices >= self.features, novel, predicted)

    def _parted(self, x: Float[Tensor, "rows d"], segments: Segments, kept: Any) -> _Parts:
        dense = (x @ self.weight.T + self.bias).relu()
        answer, keep = self.attention(dense, segments, kept)
        positive = answer.relu()
        if self.predicted is not None:
            positive = positive * kernels.mask_of_largest(positive.detach(), self.predicted)
        direction = positive @ self.decoder.vectors()[: self.features]
        size = direction.square().sum(1, keepdim=True).clamp_min(1e-8)
        reach = ((direction * x).sum(1, keepdim=True) / size).relu()
        return _Parts(answer, positive * reach, x - reach * direction, keep)

    def _joined(
        self,
        predicted: Float[Tensor, "rows half"],
        novel: Support,
        values: Float[Tensor, " novel"],
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """The entries of both parts, row by row, the predicted ones first."""
        flat = predicted.flatten()
        places = (flat.detach() > 0).nonzero().squeeze(1)
        row, latent = places // self.features, places % self.features
        before = offsets_of(row, novel.rows)
        # Both parts are in order, and the predicted latents come first: a place is the number of
        # entries in front of it, without a sort.
        numbers = torch.arange(max(len(places), novel.indices.shape[0]), device=row.device)
        to = torch.cat(
            [
                numbers[: len(places)] + novel.offsets[row],
                numbers[: novel.indices.shape[0]] + before[novel.row_of_entry + 1],
            ]
        )
        indices = torch.cat([latent, novel.indices + self.features])
        both = torch.cat([flat.index_select(0, places), values])
        support = Support(
            before + novel.offsets,
            torch.empty_like(indices).index_copy_(0, to, indices),
            self.width,
        )
        return support, torch.zeros_like(both).index_copy(0, to, both)
