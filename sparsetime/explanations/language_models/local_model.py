"""Language models of transformers on this machine, as functions of a prompt or of texts."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import nn


@final
class LocalModel:
    """A causal language model and its tokenizer; a chat template is applied where there is one."""

    def __init__(self, model: nn.Module, tokenizer: Any, most_tokens: int = 200) -> None:
        self._model, self._tokenizer, self._most = model, tokenizer, most_tokens
        config = getattr(model, "config", None)
        self.name = str(getattr(config, "_name_or_path", "") or type(model).__name__)

    @torch.no_grad()
    def __call__(self, prompt: str) -> str:
        """The greedy answer to a prompt."""
        ids = self._ids(prompt)
        model: Any = self._model
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=self._most,
            do_sample=False,
            pad_token_id=getattr(self._tokenizer, "eos_token_id", None),
        )
        answer: str = self._tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
        return answer

    def _ids(self, prompt: str) -> torch.Tensor:
        device = next(self._model.parameters()).device
        if getattr(self._tokenizer, "chat_template", None):
            text = self._tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
        else:
            text = prompt
        ids: torch.Tensor = self._tokenizer(text, return_tensors="pt")["input_ids"]
        return ids.to(device)


@final
class TextSurprisal:
    """Surprisal of a text after a prefix, by a causal language model, in nats a token.

    S(text | prefix) = -mean_i log p(token_i | prefix, tokens before i)
    """

    def __init__(self, model: nn.Module, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer

    @torch.no_grad()
    def __call__(self, prefix: str, text: str) -> float:
        before = self._tokenizer(prefix or "\n", return_tensors="pt")["input_ids"]
        own = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        ids = torch.cat([before, own], dim=1).to(next(self._model.parameters()).device)
        logits = self._model(ids).logits[0, before.shape[1] - 1 : -1].float()
        return float(nn.functional.cross_entropy(logits, ids[0, before.shape[1] :]))


@final
class TextEmbedder:
    """Embeddings of texts by an encoder: the mean of its last layer over tokens."""

    def __init__(self, model: nn.Module, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> Float[np.ndarray, "texts d"]:
        read = self._tokenizer(texts, return_tensors="pt", padding=True, truncation=True)
        device = next(self._model.parameters()).device
        read = {name: value.to(device) for name, value in read.items()}
        hidden = self._model(**read).last_hidden_state
        mask = read["attention_mask"].unsqueeze(-1)
        means = (hidden * mask).sum(1) / mask.sum(1)
        return np.asarray(means.float().cpu().numpy())
