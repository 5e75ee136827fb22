"""Special tokens that a tokenizer adds around a text, detected from its output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from sparsetime.errors import ConfigError

_TRIALS = 1000


@final
@dataclass(frozen=True)
class SpecialTokens:
    """Special tokens before and after every window of a text; never stored."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.before) + len(self.after)


def special_tokens_around(tokenizer: Any) -> SpecialTokens:
    """The special tokens that the tokenizer adds around every text.

    Errors: ConfigError where no trial text shows them.
    """
    count = tokenizer.num_special_tokens_to_add(pair=False)
    if count == 0:
        return SpecialTokens()
    special = set(tokenizer.all_special_ids)
    for text in _texts(tokenizer, special):
        bare = tokenizer(text, add_special_tokens=False)["input_ids"]
        # An unknown word may be encoded as one of the special tokens, and an empty text shows
        # nothing: both are skipped.
        if not bare or special.intersection(bare):
            continue
        framed = tokenizer(text)["input_ids"]
        for start in range(len(framed) - len(bare) + 1):
            if framed[start : start + len(bare)] == bare and len(framed) - len(bare) == count:
                return SpecialTokens(tuple(framed[:start]), tuple(framed[start + len(bare) :]))
    raise ConfigError(
        f"the tokenizer {type(tokenizer).__name__} adds {count} special tokens to a text, but "
        f"none of {_TRIALS} texts showed where; frame the documents yourself and give token arrays"
    )


def _texts(tokenizer: Any, special: set[int]) -> Iterator[str]:
    yield "a"
    for token in range(min(len(tokenizer), _TRIALS)):
        if token not in special:
            yield tokenizer.decode([token])
