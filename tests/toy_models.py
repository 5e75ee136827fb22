"""Small random models of the kinds that users bring."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

os.environ.setdefault("HF_HUB_OFFLINE", "1")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "time", "runs", "on", "and", "stops", "."]


def bert(**settings):
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        **settings,
    )
    return BertModel(config).eval()


def gpt2():
    from transformers import GPT2Config, GPT2Model

    torch.manual_seed(0)
    return GPT2Model(GPT2Config(vocab_size=50, n_positions=32, n_embd=16, n_layer=2, n_head=2))


def llama():
    from transformers import LlamaConfig, LlamaModel

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    return LlamaModel(config).eval()


def llama_lm(**settings):
    """A language model of two layers, in training mode; `settings` replace those of its config."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {
        "vocab_size": 50,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 32,
    }
    return LlamaForCausalLM(LlamaConfig(**{**shape, **settings}))


def tokenizer(folder: Path):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=24,
    )
    made.save_pretrained(folder)
    return made


def bert_folder(folder: Path) -> Path:
    bert().save_pretrained(folder)
    tokenizer(folder)
    return folder


@dataclass
class Output:
    count: int
    state: Tensor


class Blocks(nn.Module):
    """A module whose children return tuples, dataclasses and other layouts."""

    def __init__(self, features: int = 3, width: int = 8, dtype: torch.dtype = torch.float32):
        super().__init__()
        torch.manual_seed(0)
        self.enter = nn.Linear(features, width, dtype=dtype)
        self.lstm = nn.LSTM(width, width, batch_first=True, dtype=dtype)
        self.conv = nn.Conv1d(width, 6, 3, padding=1, dtype=dtype)
        self.boxed = Boxed()
        self.swapped = nn.LSTM(width, 5, dtype=dtype)
        self.relu = nn.ReLU(inplace=True)
        self.idle = nn.Linear(2, 2, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        h = self.enter(x)
        h, _ = self.lstm(h)
        h = self.boxed(h).state
        self.swapped(h.transpose(0, 1))
        self.conv(h.transpose(1, 2))
        self.relu(self.relu(h))
        return h


class Boxed(nn.Module):
    def forward(self, x: Tensor) -> Output:
        return Output(3, x + 1)
