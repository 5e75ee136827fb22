"""A language model of two layers with its tokenizer, and a few texts, written in a second."""

from __future__ import annotations

from pathlib import Path

import torch

SUBJECTS = ("The river", "A clock", "The old town", "Her answer", "This engine", "The weather")
VERBS = ("carries", "forgets", "repeats", "measures", "hides", "explains")
OBJECTS = ("the morning", "a long road", "every number", "the quiet sea", "its own name", "nothing")


def write_texts(folder: Path, count: int = 24) -> None:
    """Text files of twelve sentences each."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        lines = [
            f"{SUBJECTS[(i + j) % 6]} {VERBS[(i * j) % 6]} {OBJECTS[(i + 2 * j) % 6]}, {i * j}."
            for j in range(12)
        ]
        (folder / f"text{i:02d}.txt").write_text("\n".join(lines))


def write_model(folder: Path) -> None:
    """A BERT of two layers and width 32 with random weights, as `save_pretrained` leaves one."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([*SUBJECTS, *VERBS, *OBJECTS, "0123456789.,"], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=128,
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
