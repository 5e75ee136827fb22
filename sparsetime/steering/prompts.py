"""Prompts as tokens: a text, messages of a chat, several texts, or tokens themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.chat_template import chat_text
from sparsetime.models.load import LoadedModel
from sparsetime.tensors import ArrayLike, as_tokens

#: A text, the messages of a chat (each with "role" and "content"), or tokens.
Prompt: TypeAlias = "str | Sequence[Mapping[str, str]] | ArrayLike"


def tokens_of(given: Any, model: LoadedModel) -> Int[Tensor, "batch time"]:
    """The tokens of one prompt, or of several of one length.

    Messages of a chat are written by the model's template, with the beginning of an answer behind
    them.

    Errors: ConfigError for a text without a tokenizer, and for texts of several lengths;
    DataError for no text; those of `chat_text`.
    """
    if isinstance(given, str):
        given = [given]
    if _is_chat(given):
        return torch.tensor([chat_text(model, given, reply=True).token_ids])
    if isinstance(given, list | tuple) and given and isinstance(given[0], str):
        rows = [_text(text, model.tokenizer) for text in given]
        if len({len(row) for row in rows}) > 1:
            raise ConfigError(
                f"got texts of {min(map(len, rows))} to {max(map(len, rows))} tokens, expected one "
                "length in a batch; read them one at a time"
            )
        given = torch.stack(rows)
    tokens = as_tokens(given, "the tokens")
    tokens = tokens[None] if tokens.ndim == 1 else tokens
    if tokens.ndim != 2 or not tokens.numel():
        raise DataError(
            f"got tokens of shape {list(tokens.shape)}, expected [time] or [batch, time] with at "
            "least one token"
        )
    return tokens


def text_of(tokens: Int[Tensor, " time"], tokenizer: Any) -> str | None:
    """The text of tokens; None without a tokenizer."""
    return None if tokenizer is None else str(tokenizer.decode(tokens.tolist()))


def special_tokens(tokenizer: Any) -> frozenset[int]:
    """The special tokens of a tokenizer, whose steps are never edited; none without one."""
    return frozenset(getattr(tokenizer, "all_special_ids", None) or ())


def end_tokens(model: Any) -> list[int]:
    """The tokens after which a model's text ends, of its generation settings; often none."""
    ends = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    if ends is None:
        return []
    return list(ends) if isinstance(ends, list | tuple) else [int(ends)]


def until_end(tokens: Int[Tensor, " generated"], ends: Collection[int]) -> Int[Tensor, " kept"]:
    """The tokens up to the first end token, and that one."""
    at = torch.isin(tokens, torch.tensor(sorted(ends), dtype=torch.int64)).nonzero()
    return tokens if not len(at) else tokens[: int(at[0]) + 1]


def _is_chat(given: Any) -> bool:
    return isinstance(given, list | tuple) and bool(given) and isinstance(given[0], Mapping)


def _text(text: str, tokenizer: Any) -> Int[Tensor, " time"]:
    if tokenizer is None:
        raise ConfigError(
            "got a text for a model without a tokenizer; give tokenizer= to st.steer, or tokens"
        )
    tokens = tokenizer(text)["input_ids"]
    if not tokens:
        raise DataError(f"the text {text!r} has no tokens; give at least one")
    return torch.tensor(tokens)
