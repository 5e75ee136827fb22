"""A smaller dense model: a copy whose MLPs have fewer neurons, with no zeros to multiply."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime.computation.weight_matrices import weight_matrices
from sparsetime.errors import ConfigError, UnreachedSparsityError
from sparsetime.models.load import LoadedModel
from sparsetime.models.mlp import MLP, find_mlps


def fewer_neurons(model: LoadedModel, sparsity: float, sample: Any = None) -> nn.Module:
    """A copy of a model, of whose weights a share is removed as whole neurons of its MLPs.

        strength_j = ||U_j|| ||D_j|| (||G_j||),  the weakest neurons of each MLP are removed

    The matrices are smaller, so that any dense product is faster. sparsity: of the entries of all
    matrices that `sparsify` thins; other matrices than those of MLPs stay whole, and every MLP
    loses the same share. The model is not changed. sample: as in `open_sparse`.

    Errors: ConfigError for a model without an MLP; UnreachedSparsityError where its MLPs have fewer
    weights than are to be removed.
    """
    mlps = find_mlps(model, sample)
    matrices = weight_matrices(model.model)
    entries = sum(matrix.parameter.numel() for matrix in matrices)
    paths = {path for mlp in mlps for path in _paths(mlp)}
    inside = sum(matrix.parameter.numel() for matrix in matrices if matrix.path in paths)
    share = sparsity * entries / inside
    least = min(mlp.down.shape[1] for mlp in mlps)
    if round(least * (1 - share)) < 1:
        raise UnreachedSparsityError(
            f"got sparsity {sparsity:g}, and the MLPs hold {inside / entries:.0%} of the weights, "
            "so that fewer neurons alone cannot leave out as many"
        )
    made = copy.deepcopy(model.model)
    for mlp in mlps:
        strength = mlp.up.float().norm(dim=1) * mlp.down.float().norm(dim=0)
        if mlp.gate is not None:
            strength = strength * mlp.gate.float().norm(dim=1)
        kept = strength.topk(round(len(strength) * (1 - share))).indices.sort().values
        for path in _paths(mlp):
            _keep(made.get_submodule(path), kept, is_down=path == mlp.down_path)
    return made


def _paths(mlp: MLP) -> list[str]:
    return [path for path in (mlp.up_path, mlp.gate_path, mlp.down_path) if path]


@torch.no_grad()
def _keep(module: Any, kept: Tensor, *, is_down: bool) -> None:
    """Leave some inputs (of a map down) or outputs of a linear module."""
    is_transposed = not isinstance(module, nn.Linear)  # GPT-2's Conv1D
    if not isinstance(module.weight, nn.Parameter):
        raise ConfigError(
            f"got a weight of the type {type(module.weight).__name__}, expected a parameter; "
            "remove its parametrisation first"
        )
    axis = int(is_down) if not is_transposed else int(not is_down)
    module.weight = nn.Parameter(module.weight.index_select(axis, kept), requires_grad=False)
    if not is_down and module.bias is not None:
        module.bias = nn.Parameter(module.bias[kept], requires_grad=False)
    count = len(kept)
    if is_transposed:
        module.nx, module.nf = (count, module.nf) if is_down else (module.nx, count)
    elif is_down:
        module.in_features = count
    else:
        module.out_features = count
