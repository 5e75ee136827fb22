"""Weight matrices of a model that can be thinned: found by the type of their module."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Shaped
from torch import Tensor, nn

from sparsetime.errors import ConfigError
from sparsetime.models.site_patterns import matching_sites

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_ATTENTION = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_SUPPORTED = "Linear, Conv1d, Conv2d, Conv3d, LSTM, GRU, RNN, MultiheadAttention, GPT-2's Conv1D"


@final
@dataclass(frozen=True, eq=False)
class WeightMatrix:
    """A parameter of a model, read as a matrix [out, in].

    path: of its module. name: of the parameter within it. A convolution's kernel is flattened into
    `in`; GPT-2's Conv1D stores the matrix transposed.
    """

    path: str
    name: str
    module: nn.Module
    is_transposed: bool = False

    @property
    def key(self) -> str:
        """Name of the parameter in the model's state_dict."""
        return f"{self.path}.{self.name}" if self.path else self.name

    @property
    def parameter(self) -> nn.Parameter:
        parameter: nn.Parameter = getattr(self.module, self.name)
        return parameter

    @property
    def sizes(self) -> tuple[int, ...]:
        """Outputs, inputs, and the sizes of a convolution's kernel."""
        shape = tuple(self.parameter.shape)
        return shape[::-1] if self.is_transposed else shape

    @property
    def shape(self) -> tuple[int, int]:
        """Outputs, and inputs times the size of the kernel."""
        return self.sizes[0], math.prod(self.sizes[1:])

    @property
    def reads_rows(self) -> bool:
        """Whether the module is called with rows [..., in] that the matrix multiplies."""
        return self.name == "weight" and not isinstance(self.module, _CONVOLUTIONS)

    def matrix(self, like: Shaped[Tensor, ...]) -> Shaped[Tensor, "out in"]:
        """A tensor of the parameter's shape as a matrix; a view where its layout allows."""
        return like.T if self.is_transposed else like.reshape(self.shape)

    def unmatrix(self, matrix: Shaped[Tensor, "out in"]) -> Shaped[Tensor, ...]:
        """A matrix [out, in] in the shape of the parameter."""
        return matrix.T if self.is_transposed else matrix.reshape(self.parameter.shape)


def weight_matrices(
    model: nn.Module, sites: str | Sequence[str] | None = None
) -> tuple[WeightMatrix, ...]:
    """The weight matrices of a model, in the order it defines them.

    sites: names or patterns of modules, such as "model.layers.*.mlp.*"; all matrices within a
    module that matches. None stands for all but embeddings, matrices that share their weights with
    one, and the output embedding of a model of transformers. A matrix that two modules share is
    listed once.

    Errors: UnknownNameError for a pattern that matches no module; ConfigError for a model without
    such matrices, for weights that are quantised, parametrised or sharded, with the path, and for
    sites without a matrix.
    """
    _refuse_sharded(model)
    inside = None if sites is None else module_paths(model, sites)  # "" is the model itself
    left_out = _output_embeddings(model) if inside is None else set()
    seen: set[int] = set()
    matrices = []
    for path, module in model.named_modules():
        if inside is not None and not is_within(path, inside):
            continue
        for name, is_transposed in _names(module):
            parameter = getattr(module, name, None)
            if parameter is None:
                continue
            where = f"{path}.{name}" if path else name
            _check(parameter, where, module)
            if id(parameter) in seen or id(parameter) in left_out:
                continue
            seen.add(id(parameter))
            matrices.append(WeightMatrix(path, name, module, is_transposed))
    if not matrices:
        types = sorted({type(m).__name__ for m in model.modules() if not list(m.children())})
        where = "the model" if inside is None else f"the sites {', '.join(sorted(inside))}"
        raise ConfigError(
            f"got {where} with modules of type {', '.join(types[:8]) or 'none'}, expected at least "
            f"one of {_SUPPORTED}; name other sites"
        )
    return tuple(matrices)


def _names(module: nn.Module) -> Iterator[tuple[str, bool]]:
    """Names of a module's matrices, and whether each is stored transposed."""
    if type(module).__name__ == "Conv1D" and hasattr(module, "nf"):
        yield "weight", True
    elif isinstance(module, (nn.Linear, *_CONVOLUTIONS)):
        yield "weight", False
    elif isinstance(module, nn.RNNBase):
        for name, _ in module.named_parameters(recurse=False):
            if name.startswith("weight_"):
                yield name, False
    elif isinstance(module, nn.MultiheadAttention):
        for name in _ATTENTION:
            yield name, False


def _check(parameter: object, where: str, module: nn.Module) -> None:
    if not isinstance(parameter, nn.Parameter):
        raise ConfigError(
            f"got {where} of a {type(module).__name__} as {type(parameter).__name__}, expected a "
            "parameter; remove its parametrisation (torch.nn.utils) first, or name other sites"
        )
    if not parameter.is_floating_point():
        raise ConfigError(
            f"got {where} in {str(parameter.dtype).removeprefix('torch.')}, expected floating "
            "point; thin the model before it is quantised, or name other sites"
        )


def _refuse_sharded(model: nn.Module) -> None:
    for path, module in model.named_modules():
        sharded = "FullyShardedDataParallel" in type(module).__name__
        if sharded or any(type(p).__name__ == "DTensor" for p in module.parameters(recurse=False)):
            raise ConfigError(
                f"got the module {path or 'of the model'} sharded by FSDP, whose processes hold "
                "pieces of a matrix, so that none can choose its entries; expected whole weights: "
                "thin the model before it is sharded, or train with DistributedDataParallel"
            )


def module_paths(model: nn.Module, sites: str | Sequence[str]) -> set[str]:
    """Paths of the modules that patterns match; "" is the model itself.

    Errors: UnknownNameError for a pattern that matches no module.
    """
    patterns = [sites] if isinstance(sites, str) else list(sites)
    if "" in patterns:
        return {""}
    names = [site for group in matching_sites(model, patterns).values() for site in group]
    return {name.partition(":")[0] for name in names}


def is_within(path: str, sites: set[str]) -> bool:
    """Whether a module is one of some modules, or lies within one."""
    return any(not site or path == site or path.startswith(f"{site}.") for site in sites)


def _output_embeddings(model: nn.Module) -> set[int]:
    """Parameters of embeddings, which a head may share, and of a language model's head."""
    tables = [m for m in model.modules() if isinstance(m, nn.Embedding)]
    for module in model.modules():
        getter = getattr(module, "get_output_embeddings", None)
        head = getter() if callable(getter) else None
        if isinstance(head, nn.Module):
            tables.append(head)  # type: ignore[arg-type]
    return {id(table.weight) for table in tables if isinstance(table.weight, Tensor)}
