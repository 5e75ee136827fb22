"""ModelCall: the arguments with which a model's forward pass is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime.models.forward_signature import forward_parameters, takes_argument
from sparsetime.models.input_layout import AS_GIVEN, as_layout


@final
class ModelCall:
    """The call signature of a model: which arguments its forward pass takes."""

    def __init__(self, model: nn.Module) -> None:
        parameters = forward_parameters(model)
        self.takes_tokens = takes_argument(model, "input_ids")
        self.takes_mask = self.takes_tokens and takes_argument(model, "attention_mask")
        self._model = model
        self._constants = {"use_cache": False} if "use_cache" in parameters else {}
        self.has_decoder = "decoder_input_ids" in parameters

    def arguments(
        self,
        inputs: Tensor,
        mask: Tensor,
        layout: str = AS_GIVEN,
        decoder_tokens: Tensor | None = None,
    ) -> tuple[tuple[Tensor, ...], Mapping[str, Any]]:
        """Positional and keyword arguments of a forward pass, on the model's first device.

        Of a model that is spread over devices, accelerate's hooks move what each layer reads.
        Quantised weights are whole numbers; values take the dtype of a weight that is not.

        inputs: tokens [batch, time] or values [batch, time, ...], which take the layout. mask:
        [batch, time]. decoder_tokens: [batch, steps], what the decoder of a model reads; without
        them it reads its first token alone, since sites of the encoder need no more.
        """
        weight = next(iter(self._model.parameters()), inputs)
        keywords: dict[str, Any] = {}
        if self.has_decoder:
            keywords["decoder_input_ids"] = self._decoder(inputs, decoder_tokens).to(weight.device)
        if inputs.ndim >= 3:  # values are multiplied with weights and need their dtype
            real = (w.dtype for w in self._model.parameters() if w.is_floating_point())
            dtype = next(real, torch.float32)
            return (as_layout(inputs, layout).to(weight.device, dtype),), keywords
        tokens = inputs.to(weight.device)
        if not self.takes_tokens:
            return (tokens,), keywords
        keywords |= {"input_ids": tokens, **self._constants}
        if self.takes_mask:
            keywords["attention_mask"] = mask.to(weight.device)
        return (), keywords

    def _decoder(self, inputs: Tensor, tokens: Tensor | None) -> Tensor:
        if tokens is not None:
            return tokens
        if inputs.ndim == 2:  # as good as any, since encoders do not read it
            return inputs[:, :1]
        first = getattr(getattr(self._model, "config", None), "decoder_start_token_id", None)
        return torch.full((len(inputs), 1), first or 0)
