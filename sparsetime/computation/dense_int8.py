"""A dense copy of a model whose linear maps are computed in 8 bits on a CPU."""

from __future__ import annotations

import copy

import torch
from torch import nn

from sparsetime.computation.executions.int8 import Int8Execution
from sparsetime.computation.weight_matrices import weight_matrices
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel


def dense_int8(model: LoadedModel) -> nn.Module:
    """A copy of a model with the matrices that `sparsify` thins in 8 bits, all entries kept.

    The copy is executed in 8 bits, so that its times can be measured. The model is not changed.

    Errors: ConfigError for a model without a Linear module on the CPU in float32.
    """
    found = [
        matrix
        for matrix in weight_matrices(model.model)
        if isinstance(matrix.module, nn.Linear)
        and matrix.parameter.device.type == "cpu"
        and matrix.parameter.dtype == torch.float32
    ]
    if not found:
        raise ConfigError(
            "got a model without a Linear module in float32 on the CPU, which the twin in 8 bits "
            "is computed from; load the model so, with model.cpu().float()"
        )
    made = copy.deepcopy(model.model)
    for matrix in found:
        bias = matrix.module.bias
        assert bias is None or isinstance(bias, torch.Tensor)
        mask = torch.ones_like(matrix.parameter, dtype=torch.bool)
        module = Int8Execution().module(matrix.parameter.detach(), mask, bias)
        parent, _, name = matrix.path.rpartition(".")
        if not name:  # the model is the map
            return module
        setattr(made.get_submodule(parent), name, module)
    return made
