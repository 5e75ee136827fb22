"""A language model with a dictionary spliced in: what it reads, and what that costs it."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime.activations.store.store import Store
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.interventions.lm_loss import next_token_loss

_AT_ONCE = 16


def token_windows(
    store: Store, length: int, column: str = "token"
) -> Int[Tensor, "windows length"]:
    """The tokens of a store in windows, as many as fit; none goes on in another document.

    They begin within documents, without the token that a model may expect at the beginning.
    `column`: another column of whole numbers, or of yes and no, in the same windows.
    """
    values = torch.tensor(store.steps([column])[column].to_numpy()).long()
    # A view's spans number the rows of the whole store; in the column its documents follow close.
    documents = values.split((store.spans.stops - store.spans.starts).tolist())
    return torch.cat([one.unfold(0, length, length) for one in documents if len(one) >= length])


@torch.no_grad()
def ce_increase(
    model: nn.Module, dictionary: Dictionary, tokens: Int[Tensor, "windows length"], site: str
) -> float:
    """By how many nats a token the loss rises when the dictionary's reconstruction goes on."""
    rise = 0.0
    for some in tokens.split(_AT_ONCE):
        plain = next_token_loss(model, some)
        spliced = next_token_loss(model, some, site, dictionary)
        rise += float(spliced - plain) * len(some)
    return rise / len(tokens)
