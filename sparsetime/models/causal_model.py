"""Causal language models with their heads, by name, by folder or as modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel, load_model


def load_causal_model(
    model: str | Path | nn.Module | LoadedModel, tokenizer: Any = None
) -> LoadedModel:
    """The model with the head that gives logits, in evaluation mode; modules as they are.

    A name or a folder is loaded as transformers' `AutoModelForCausalLM`, in float32.

    Errors: ConfigError where transformers cannot load it so.
    """
    if not isinstance(model, str | Path):
        return load_model(model, tokenizer)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        module: Any = AutoModelForCausalLM.from_pretrained(model).float().eval()
        read = tokenizer or AutoTokenizer.from_pretrained(model)
    except Exception as error:  # of the code of any model
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ConfigError(
            f"transformers could not load a causal language model from {str(model)!r}: {first}. "
            "Give a folder with config.json, weights and a tokenizer, or a torch.nn.Module"
        ) from error
    return load_model(module, read)
