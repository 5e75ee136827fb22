"""The unembedding of a language model: the matrix that makes logits."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

_HEADS = ("ForCausalLM", "LMHeadModel", "ForMaskedLM")


def unembedding_weight(model: nn.Module) -> Tensor | None:
    """The matrix [tokens, d] that makes logits; None where the model has none.

    A model that is loaded without its head, whose weights it shares with the embedding, has that.
    """
    getter = getattr(model, "get_output_embeddings", None)
    layer = getter() if callable(getter) else None
    config: Any = getattr(model, "config", None)
    if layer is None and getattr(config, "tie_word_embeddings", False) and _writes_tokens(config):
        layer = model.get_input_embeddings()  # type: ignore[operator]
    weight = getattr(layer, "weight", None)
    return weight.detach() if isinstance(weight, Tensor) else None


def _writes_tokens(config: Any) -> bool:
    names = getattr(config, "architectures", None) or []
    return any(name.endswith(_HEADS) for name in names)
