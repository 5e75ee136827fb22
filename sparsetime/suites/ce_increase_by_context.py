"""Increase in cross-entropy per dictionary, by context length and for fine-tuned copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import nn

from sparsetime.activations.sampling.model_windows import held_out_windows
from sparsetime.activations.store.store import Store
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError
from sparsetime.interventions.logits import next_token_logits
from sparsetime.metrics.ce_increase import ce_increase
from sparsetime.models.load import longest_input
from sparsetime.models.sites import resolve_site


@final
class CeIncreaseByContext:
    """Increase in cross-entropy with a reconstruction at its site, in nats per token.

    model, copies: language models with their heads; copies are other weights of the same layout,
    such as a fine-tuned one, by name. tokenizer: the model's, for the special tokens around texts.
    contexts: lengths of the windows that are read. tokens: how many are read at most, of the same
    text at every length.

    Errors: ConfigError for a context that a model cannot read; UnknownNameError for a copy that
    lacks a site; DataError for a model without logits.
    """

    def __init__(
        self,
        model: nn.Module,
        copies: Mapping[str, nn.Module],
        contexts: Sequence[int],
        tokens: int,
        sites: Sequence[str],
        tokenizer: Any = None,
    ) -> None:
        self._contexts, self._tokens, self._tokenizer = contexts, tokens, tokenizer
        self._models = {"": model, **copies} if contexts else {}
        if copies and not contexts:
            raise ConfigError(
                f"the loss of {', '.join(copies)} is measured on contexts of some length; give "
                "contexts, such as [128]"
            )
        for name, module in self._models.items():
            limit = longest_input(module)
            for context in contexts:
                if context < 2 or (limit is not None and context > limit):
                    most = "" if limit is None else f" and at most {limit}, which the model reads"
                    raise ConfigError(f"a context of {context} tokens must have at least 2{most}")
            for site in sites if name else ():
                resolve_site(module, site)
            with torch.no_grad():
                next_token_logits(module, torch.zeros(1, 2, dtype=torch.int64))

    @property
    def names(self) -> list[str]:
        """What is measured: "128 tokens", or "128 tokens, NAME" for a copy."""
        return [self._name(name, context) for name in self._models for context in self._contexts]

    def of(self, dictionary: Dictionary, site: str, store: Store) -> dict[str, float]:
        """All increases of one dictionary, on tokens of the store.

        Errors: DataError where no document is as long as a context.
        """
        increases = {}
        for context in self._contexts:
            windows = held_out_windows(store, context, self._tokens, self._tokenizer)
            for name, module in self._models.items():
                increase = ce_increase(module, dictionary, windows.tokens, site, keep=windows.keep)
                increases[self._name(name, context)] = increase.value
        return increases

    def _name(self, name: str, context: int) -> str:
        return f"{context} tokens, {name}" if name else f"{context} tokens"
