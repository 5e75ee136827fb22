"""Tiny models, dictionaries and a tokenizer of single characters for tests of steering."""

import torch
from torch import nn
from toy_models import llama_lm

import sparsetime as st
from sparsetime import seeds
from sparsetime.models.load import LoadedModel

SITES = ("model.layers.0", "model.layers.1")


class Letters:
    """A tokenizer whose tokens are single characters."""

    all_special_ids = ()
    chat_template = None

    def decode(self, tokens, skip_special_tokens=False):
        del skip_special_tokens
        return "".join("<user>"[t] if t < 6 else chr(60 + t) for t in tokens)

    def __len__(self):
        return 61

    def __call__(self, text):
        return {"input_ids": ["<user>".find(c) if c in "<user>" else ord(c) - 60 for c in text]}


class Recurrent(nn.Module):
    """A series model that returns its state, so that it reads a stream step by step."""

    def __init__(self):
        super().__init__()
        with seeds.torch_globals(0, "initial weights of a testbed"):
            self.enter = nn.Linear(3, 16)
            self.memory = nn.GRU(16, 16, batch_first=True)
            self.leave = nn.Linear(16, 2)

    def forward(self, x, state=None):
        seen, state = self.memory(self.enter(x), state)
        return self.leave(seen), state


def language_model(dtype=torch.float32, **settings):
    return LoadedModel(llama_lm(**settings).eval().to(dtype), Letters(), "tiny", "")


def small_dictionary(name="topk", seed=1, scale=0.5, **settings):
    """Untrained, with atoms that write and latents that fire on what a random model computes."""
    sae = st.dictionary(name, d_in=16, width=32, seed=seed, **settings).eval()
    sae.normalisation.scale.fill_(scale)
    return sae


def both_kinds():
    """A dictionary whose codes are of a step alone, and one whose codes depend on steps before."""
    return {
        SITES[0]: small_dictionary("topk", 1, 0.1, k=12),
        SITES[1]: small_dictionary("window_crosscoder", 2, 0.5, window=2),
    }
