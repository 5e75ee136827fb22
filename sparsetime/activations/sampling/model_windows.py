"""Windows of a store's tokens as the model reads them, with the special tokens that it expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.activations.capture.special_tokens import SpecialTokens, special_tokens_around
from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

_SHORTER = "give a shorter context, or longer documents"


@final
@dataclass(frozen=True, eq=False)
class ModelWindows:
    """Windows of tokens, and the steps at which a splice passes activations through.

    Those are the special tokens around a text: a store does not hold them, so no dictionary was
    trained on them.
    """

    tokens: Int[Tensor, "windows length"]
    keep: Bool[Tensor, "windows length"]


def token_windows(
    store: Store, length: int, column: str = "token"
) -> Int[Tensor, "windows length"]:
    """The tokens of a store in windows of `length`, as many as fit; each lies in one document.

    Windows begin within documents, without the token that a model may expect at the beginning.
    `column`: another column of integers or booleans, in the same windows.
    """
    values = torch.tensor(store.steps([column])[column].to_numpy()).long()
    documents = values.split(store.segments.lengths.tolist())
    return torch.cat([one.unfold(0, length, length) for one in documents if len(one) >= length])


def held_out_windows(
    store: Store, length: int, tokens: int, tokenizer: Any = None, advice: str = _SHORTER
) -> ModelWindows:
    """At most `tokens` tokens of the store in windows of `length`, framed as they were captured.

    tokenizer: the model's. A store of texts was captured with its special tokens around every
    window, and so they are here; they count towards `length`. advice: what the caller can do about
    a length that does not fit, for the error.

    Errors: DataError where the store holds no tokens, or no document as long as a window.
    """
    if "token" not in store.reader.step_columns():
        raise DataError(
            f"{store.path} holds no tokens, so no language model's loss can be measured on it; "
            "leave out contexts"
        )
    special = _frame(store, tokenizer)
    room = length - len(special)
    if room < 1:
        raise DataError(
            f"a window of {length} tokens has no room beside the {len(special)} special tokens of "
            "the model; give a longer context"
        )
    if not (store.segments.lengths >= room).any():
        raise DataError(
            f"no held-out document of {store.path} has {room} tokens, the longest has "
            f"{int(store.segments.lengths.max())}; {advice}"
        )
    inner = token_windows(store, room)[: max(1, tokens // length)]
    before, after = (
        torch.tensor(side, dtype=torch.long).expand(len(inner), -1)
        for side in (special.before, special.after)
    )
    keep = torch.ones(len(inner), length, dtype=torch.bool)
    keep[:, len(special.before) : len(special.before) + room] = False
    return ModelWindows(torch.cat([before, inner, after], 1), keep)


def _frame(store: Store, tokenizer: Any) -> SpecialTokens:
    """The special tokens around the windows of a store of texts; none for token arrays."""
    texts = store.sequences["text"]
    if tokenizer is None or texts.null_count == len(texts):
        return SpecialTokens()
    return special_tokens_around(tokenizer)
