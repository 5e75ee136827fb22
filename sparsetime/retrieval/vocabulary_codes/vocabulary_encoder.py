"""VocabularyEncoder: SPLADE's sparse codes over a vocabulary, of a frozen model's token states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel


@final
@dataclass(frozen=True, eq=False)
class TokenStates:
    """Last hidden states of texts with the token of each step.

    states: [texts, time, d]. token: [texts, time]; -1 for padding and for special tokens, which
    have no term.
    """

    states: Float[Tensor, "texts time d"]
    token: Int[Tensor, "texts time"]

    def __len__(self) -> int:
        return len(self.states)

    def of(self, texts: Int[Tensor, " some"]) -> TokenStates:
        """Some of the texts."""
        return TokenStates(self.states[texts], self.token[texts])


@torch.no_grad()
def token_states(
    model: LoadedModel, texts: Sequence[str], length: int = 64, batch: int = 64
) -> TokenStates:
    """Read texts with an encoder, cut at `length` tokens.

    Errors: ConfigError for a model without a tokenizer; DataError for no texts.
    """
    if model.tokenizer is None:
        raise ConfigError("got a model without a tokenizer, expected one that reads texts")
    if not texts:
        raise DataError("got no texts, expected at least one")
    inputs = model.tokenizer(
        list(texts),
        padding="max_length",
        truncation=True,
        max_length=length,
        return_tensors="pt",
        return_special_tokens_mask=True,
    )
    special = inputs.pop("special_tokens_mask").bool()
    lengths = inputs["attention_mask"].sum(1)
    states: Tensor | None = None
    device = next(model.model.parameters()).device
    # Texts of like length are read together, so that little padding is.
    for places in torch.argsort(lengths, stable=True).split(batch):
        longest = int(lengths[places].max())
        own = {name: value[places, :longest].to(device) for name, value in inputs.items()}
        with eval_mode(model.model):
            rows = model.model(**own).last_hidden_state.float().cpu()
        if states is None:
            states = torch.zeros(len(texts), length, rows.shape[-1])
        states[places, :longest] = rows
    assert states is not None  # there are texts
    return TokenStates(states, inputs["input_ids"].masked_fill(special, -1))


@final
class VocabularyEncoder(nn.Module):
    """Non-negative codes over the terms of a vocabulary, at first the terms of a text itself.

        z_j = max over steps t of log(1 + relu(w_j . h_t + b_j + g_j [token of t is j]))

    h_t: states of a frozen encoder; a term that a text does not hold can be active: expansion. W
    begins near 0, g at `own`, b at `bias` below 0, so a first code is a text's set of terms. The
    score of a document for a query is the dot product of their codes.

    Source: Formal, Lassance, Piwowarski and Clinchant 2021, SPLADE v2, arXiv:2109.10086. There W
    is a masked-language head and all weights are trained; the term g is ours, since not every
    encoder has such a head.

    terms: tokens that are terms, ascending. d: of the states. Errors: ConfigError for no terms.
    """

    terms: Tensor

    def __init__(
        self,
        terms: Int[np.ndarray, " terms"],
        d: int,
        *,
        own: float = 1.5,
        bias: float = -0.5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not len(terms) or d < 1:
            raise ConfigError(f"got {len(terms)} terms of states of width {d}, expected some")
        self.register_buffer("terms", torch.from_numpy(np.unique(terms)))
        count = len(self.terms)
        random = seeds.torch_generator(seed, "initial weights of a vocabulary encoder")
        self.weight = nn.Parameter(0.1 / d**0.5 * torch.randn(count, d, generator=random))
        self.bias = nn.Parameter(torch.full((count,), bias))
        self.own = nn.Parameter(torch.full((count,), own))

    def forward(self, texts: TokenStates) -> Float[Tensor, "texts terms"]:
        """Codes of texts, with gradients at their active terms alone.

        Errors: MismatchError for states of another width.
        """
        if texts.states.shape[-1] != self.weight.shape[1]:
            raise MismatchError(
                f"got states of width {texts.states.shape[-1]}, expected "
                f"{self.weight.shape[1]}, that of the encoder's weights"
            )
        term, known, kept = self._term(texts.token)
        # The dense product runs without autograd: a maximum passes its gradient to one step, and
        # a term that is not active passes none.
        with torch.no_grad():
            logits = texts.states @ self.weight.T + self.bias
            gain = self.own[term].masked_fill(~known, 0)
            logits.scatter_add_(2, term[..., None], gain[..., None])
            highest, step = logits.masked_fill(~kept[..., None], -torch.inf).max(1)
            text, active = (highest > 0).nonzero(as_tuple=True)
            at = step[text, active]
        is_own = known[text, at] & (term[text, at] == active)
        value = (
            (texts.states[text, at] * self.weight[active]).sum(1)
            + self.bias[active]
            + self.own[active] * is_own
        )
        codes = value.new_zeros(highest.shape)
        return codes.index_put((text, active), torch.log1p(value.relu()))

    @torch.no_grad()
    def encode(self, texts: TokenStates, batch: int = 64) -> SparseCode:
        """Codes of texts, a row each."""
        parts = torch.arange(len(texts)).split(batch)
        return SparseCode.from_dense(torch.cat([self(texts.of(part)) for part in parts]))

    def _term(
        self, token: Int[Tensor, "texts time"]
    ) -> tuple[Int[Tensor, "texts time"], Bool[Tensor, "texts time"], Bool[Tensor, "texts time"]]:
        """Term of each step, 0 where it has none; whether it has one; whether it is no padding."""
        place = torch.searchsorted(self.terms, token.contiguous()).clamp_max(len(self.terms) - 1)
        known = self.terms[place] == token
        return place.where(known, torch.zeros_like(place)), known, token >= 0
