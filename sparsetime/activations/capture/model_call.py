"""ModelCall: the arguments with which a model's forward pass is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime.models.forward_signature import forward_parameters, takes_argument


@final
class ModelCall:
    """The call signature of a model: which arguments its forward pass takes."""

    def __init__(self, model: nn.Module) -> None:
        parameters = forward_parameters(model)
        self.takes_tokens = takes_argument(model, "input_ids")
        self.takes_mask = self.takes_tokens and takes_argument(model, "attention_mask")
        self._model = model
        self._constants = {"use_cache": False} if "use_cache" in parameters else {}
        self._wants_decoder = "decoder_input_ids" in parameters

    def arguments(
        self, inputs: Tensor, mask: Tensor
    ) -> tuple[tuple[Tensor, ...], Mapping[str, Any]]:
        """Positional and keyword arguments of a forward pass, on the model's first device.

        Of a model that is spread over devices, accelerate's hooks move what each layer reads.
        Quantised weights are whole numbers; values take the dtype of a weight that is not.

        inputs: tokens [batch, time] or values [batch, time, ...]. mask: [batch, time].
        """
        weight = next(iter(self._model.parameters()), inputs)
        if inputs.ndim >= 3:  # values are multiplied with weights and need their dtype
            real = (w.dtype for w in self._model.parameters() if w.is_floating_point())
            dtype = next(real, torch.float32)
            return (inputs.to(weight.device, dtype),), {}
        tokens = inputs.to(weight.device)
        if not self.takes_tokens:
            return (tokens,), {}
        keywords: dict[str, Any] = {"input_ids": tokens, **self._constants}
        if self.takes_mask:
            keywords["attention_mask"] = mask.to(weight.device)
        if self._wants_decoder:  # only the encoder has a row for every step of the input
            keywords["decoder_input_ids"] = tokens[:, :1]
        return (), keywords
