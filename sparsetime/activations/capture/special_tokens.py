"""The special tokens that a tokenizer sets around a text, found by watching it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from sparsetime.errors import ConfigError

_TRIALS = 1000


@final
@dataclass(frozen=True)
class SpecialTokens:
    """What a window of a text is framed with: special tokens before and behind, never stored."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.before) + len(self.after)


def special_tokens_around(tokenizer: Any) -> SpecialTokens:
    """The frame around every text.

    Errors: ConfigError where no text shows it.
    """
    count = tokenizer.num_special_tokens_to_add(pair=False)
    if count == 0:
        return SpecialTokens()
    special = set(tokenizer.all_special_ids)
    for text in _texts(tokenizer, special):
        bare = tokenizer(text, add_special_tokens=False)["input_ids"]
        # An unknown word may be the very token that frames, and a text of no tokens tells nothing.
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
