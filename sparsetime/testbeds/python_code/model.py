"""The language model of the Python-source testbed: a small Llama decoder of `transformers`."""

from __future__ import annotations

from typing import Any

from torch import nn

from sparsetime import seeds
from sparsetime.testbeds.python_code.settings import LanguageModelSettings


def configuration(settings: LanguageModelSettings) -> Any:
    """The `transformers` configuration of that shape."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=settings.vocabulary,
        hidden_size=settings.d,
        intermediate_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=settings.context,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=None,
        use_cache=False,
    )


def fresh_model(settings: LanguageModelSettings, seed: int) -> nn.Module:
    """An untrained model in float32; the same one for the same seed."""
    from transformers import LlamaForCausalLM

    with seeds.torch_globals(seed, "initial weights of a testbed"):
        model: nn.Module = LlamaForCausalLM(configuration(settings))
    return model
