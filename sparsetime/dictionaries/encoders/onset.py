"""Onset encoder: every feature as one latent that lasts and one that begins."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import SparseCode, concatenate, offsets_of
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.shared_pairs import SharedPairDecoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.shared_pairs import SharedPairEncoder
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.sparsifiers.top_k import TopK
from sparsetime.dictionaries.state.causal_window import trailing
from sparsetime.dictionaries.state.previous_code import PreviousCode
from sparsetime.kernels import Rule, Support
from sparsetime.kernels.precision import selection_dtype
from sparsetime.segments import Segments


@final
@component("onset")
class OnsetEncoder(SharedPairEncoder):
    """Splits the value of every feature into what lasts since the step before and what is new.

        y[t] = relu of the selected entries of W x[t] + b,    y = 0 before a sequence
        lasting_i[t] = min(y_i[t], y_i[t-1]),    onset_i[t] = y_i[t] - lasting_i[t]

    No linear readout of y[t] and y[t-1] can decide whether they are equal; one of this code can.

    weight W: [width / 2, d_in]; bias b: [width / 2]. The first half of the latents is the lasting
    part, the second half the onsets.

    Source: this library's; responses to the onset of a stimulus are Hartline 1938, The response of
    single optic nerve fibers, American Journal of Physiology 121.
    """

    undivided = "two of its latents share a row of weights"
    group_names = ("lasting", "onset")

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in, width, "half of the latents last and half begin")

    def incompatibility(self, composition: Composition) -> str | None:
        if not isinstance(composition.decoder, SharedPairDecoder):
            return (
                "got a decoder with an atom for each latent, expected one that two latents share "
                "for the encoder 'onset'; take the decoder 'twofold'"
            )
        if composition.sparsifier.rule_kind != TopK.kind:
            return (
                f"got the sparsifier {composition.sparsifier.kind!r}, expected 'top_k' for the "
                "encoder 'onset', which selects features before it splits them; take 'top_k'"
            )
        return None

    def encode_train(
        self, inputs: EncoderInput, rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        selected = kernels.pre_activations(inputs.x, self.weight, self.bias, rule, dtype)
        return self._split(self._code(*selected), inputs.in_time, None)

    @torch.no_grad()
    def encode_eval(
        self, inputs: EncoderInput, rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        dtype = selection_dtype(inputs.x.device)
        selected = kernels.exact_pre_activations(inputs.x, self.weight, self.bias, rule, dtype)
        code, segments = self._code(*selected), inputs.in_time
        past = inputs.state.get(self)
        split = self._split(code, segments, past)
        past = past or PreviousCode.none(segments.count, self.features, inputs.x)
        inputs.state.set(self, past.after(code, segments))
        return split

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]:
        """A row and the one before it, zero before a sequence."""
        return trailing(inputs.x, inputs.in_time, 2)[0].flip(1).flatten(1)

    def preacts_of(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        """The least of both rows of what lasts, their difference of an onset, whatever its sign."""
        feature = latents % self.features
        weight, bias = kernels.take_rows(self.weight, feature), self.bias[feature]
        now, before = x[:, : self.d_in], x[:, self.d_in :]
        lasts = torch.minimum(now @ weight.T, before @ weight.T) + bias
        # A first step has nothing that could have lasted.
        lasts = lasts * before.any(1, keepdim=True)
        return torch.where(latents < self.features, lasts, (now - before) @ weight.T + bias)

    def preacts_at(self, x: Float[Tensor, "rows m"], support: Support) -> Float[Tensor, " entries"]:
        features = Support(support.offsets, support.indices % self.features, self.features)
        now, before = x[:, : self.d_in].contiguous(), x[:, self.d_in :].contiguous()
        bias = kernels.at_entries(self.bias, features)
        of_now = kernels.gather_dot(now, self.weight, features)
        of_before = kernels.gather_dot(before, self.weight, features)
        lasts = torch.minimum(of_now, of_before) + bias
        lasts = lasts * before.any(1)[support.row_of_entry]
        return torch.where(support.indices < self.features, lasts, of_now - of_before + bias)

    def _code(self, support: Support, pre: Float[Tensor, " entries"]) -> SparseCode:
        values = pre.relu()
        return SparseCode(
            support.offsets, support.indices, values, self.features, (support.rows,)
        ).keep(values.detach() > 0)

    def _split(
        self, code: SparseCode, segments: Segments, past: PreviousCode | None
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """Entries of both groups, row by row. past: the code before each segment."""
        past = past or PreviousCode.none(segments.count, self.features, code.values)
        earlier = segments.earlier()
        at = torch.where(earlier < 0, segments.of_row, segments.count + earlier)
        before = concatenate([past.code, code]).take(at)
        lasting = torch.minimum(code.values, in_partner(code, before)[0])
        row = code.row_of_entry.repeat(2)
        latent = torch.cat([code.indices, code.indices + self.features])
        values = torch.cat([lasting, code.values - lasting])
        positive = (values.detach() > 0).nonzero().squeeze(1)
        order = positive[torch.argsort((row * self.width + latent)[positive])]
        return Support(offsets_of(row[order], code.rows), latent[order], self.width), values[order]
