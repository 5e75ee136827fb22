"""Padding and special tokens of token arrays: what is not fed, and what is fed and not stored."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from torch import Tensor

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.special_tokens import special_tokens_around
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel

_BOUNDARIES = ("bos", "eos", "cls", "sep")


@final
class Padding:
    """The padding at the ends of token arrays, which the model does not read.

    The token is the tokenizer's, or that of the model's config where there is no tokenizer. Where
    it also begins or ends texts, as in models that have no token for padding alone, a run of it at
    an end is padding. One alone at the beginning is padding where the arrays are seen to be padded
    on the left, and else the beginning.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        tokenizer = loaded.tokenizer
        self._from_config = tokenizer is None
        owner = getattr(loaded.model, "config", None) if tokenizer is None else tokenizer
        token = getattr(owner, "pad_token_id", None)
        self._token: int | None = token if isinstance(token, int) and token >= 0 else None
        boundaries = {getattr(owner, f"{role}_token_id", None) for role in _BOUNDARIES}
        self._is_shared = self._token in boundaries
        self._begins, self._ends = self._frame(tokenizer) if self._is_shared else (0, 0)
        self._warned = False

    def is_before(self, arrays: Sequence[Tensor]) -> bool | None:
        """Whether arrays that belong together are padded on the left; None where none is seen.

        Such arrays are of one length, and begin with runs of several lengths, none for the longest.
        """
        if self._token is None or not self._is_shared or len({len(a) for a in arrays}) != 1:
            return None
        runs = {_run(array.cpu().numpy() == self._token) for array in arrays}
        return min(runs) <= self._begins and len(runs) > 1

    def ends(self, document: Document, padded_before: bool | None) -> tuple[int, int]:
        """The first token of a document that the model reads, and the one behind the last."""
        tokens = document.tokens.cpu().numpy()
        if self._token is None or not len(tokens):
            return 0, len(tokens)
        is_padding = tokens == self._token
        if is_padding.all():
            return 0, 0
        before, after = _run(is_padding), _run(is_padding[::-1])
        if self._is_shared:
            alone = before == 1 and not padded_before
            before = 0 if alone else max(0, before - self._begins)
            after = max(0, after - self._ends)
        if self._from_config and (before or after) and not self._warned:
            self._warned = True
            warnings.warn(
                f"the document {document.id!r} begins or ends with the token {self._token}, which "
                "is padding by the model's config: it is left out there, also of later documents. "
                "Give the tokenizer, or set model.config.pad_token_id = None to keep it",
                stacklevel=2,
            )
        return before, len(tokens) - after

    def _frame(self, tokenizer: Any) -> tuple[int, int]:
        """How many of these tokens the tokenizer itself puts before and behind a text."""
        if tokenizer is None or not hasattr(tokenizer, "num_special_tokens_to_add"):
            return 0, 0
        try:
            special = special_tokens_around(tokenizer)
        except ConfigError:
            return 0, 0
        return special.before.count(self._token or 0), special.after.count(self._token or 0)


def left_out_tokens(tokenizer: Any) -> list[int]:
    """Special tokens without content, which are not stored; unknown and mask tokens have content.

    A token that is both unknown word and padding or boundary, as in GPT-2, counts as boundary.
    """
    if tokenizer is None:
        return []
    roles = (*_BOUNDARIES, "pad")
    boundaries = {getattr(tokenizer, f"{role}_token_id", None) for role in roles}
    content = {tokenizer.unk_token_id, tokenizer.mask_token_id} - boundaries
    return sorted(set(tokenizer.all_special_ids) - content)


def _run(is_padding: np.ndarray[Any, np.dtype[np.bool_]]) -> int:
    """How many values are true from the first on."""
    return len(is_padding) if is_padding.all() else int(np.argmin(is_padding))
