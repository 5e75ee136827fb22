"""A byte-pair tokenizer whose pieces never straddle two tokens of Python."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BEGIN = "<|begin|>"

# A line's end with the indentation after it; a name; a number; a ruled line; a whole operator.
# A piece on a line includes the one space before it.
_PIECES = (
    r"\s*\n[ \t]*"
    r"| ?[^\W\d]\w*"
    r"| ?\d\w*"
    r"| ?(?:-{3,}|={3,}|\*{3,}|#{2,}|~{3,})"
    r"| ?(?:\*\*=?|//=?|>>=?|<<=?|[-+*/%&|^=!<>:@]=|->|\.{2,}|\"\"\"|''')"
    r"| ?[^\w\s]"
    r"|\s+(?!\S)|\s+"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A byte-level byte-pair tokenizer trained on `texts`, with `vocabulary` tokens.

    Every text is framed with `BEGIN`, and so is every window of one that a capture cuts. Source:
    Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units".
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BEGIN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def transformers_config(context: int) -> dict[str, Any]:
    """The tokenizer config that `transformers` reads, for windows of `context` tokens.

    Written by hand, since the one that it writes itself is not read by all of its versions.
    """
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,
    }
