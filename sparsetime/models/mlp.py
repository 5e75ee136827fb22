"""The MLP at a site of a model: its linear maps and its nonlinearity, found by running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel
from sparsetime.models.model_errors import explained
from sparsetime.models.site_tensors import input_activation, output_activation
from sparsetime.models.sites import example_input, resolve_site
from sparsetime.models.wrappers import hook_call

#: Nonlinearities of neurons, by name.
NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "squared_relu": lambda x: functional.relu(x).square(),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
_TOLERANCE = 1e-4  # of the largest neuron, in float32


@final
@dataclass(frozen=True, eq=False)
class MLP:
    """The parts of an MLP of one hidden layer.

        h = f(U x + u)                    or, gated,    h = f(G x + g) * (U x + u)
        y = D h + b

    reads, writes: the sites of x and of y. nonlinearity: the name of f in `NONLINEARITIES`. up U:
    [width, d_in]; up_bias u: [width]; gate G, gate_bias g: alike, None where it is not gated.
    down D: [d_out, width]; down_bias b: [d_out]. up_path, gate_path, down_path: the modules.
    """

    reads: str
    writes: str
    nonlinearity: str
    up: Float[Tensor, "width d_in"]
    up_bias: Float[Tensor, " width"]
    gate: Float[Tensor, "width d_in"] | None
    gate_bias: Float[Tensor, " width"] | None
    down: Float[Tensor, "d_out width"]
    down_bias: Float[Tensor, " d_out"]
    up_path: str
    gate_path: str | None
    down_path: str


@final
@dataclass(frozen=True, eq=False)
class _Linear:
    """A linear map of a model, and what it read and wrote when the model ran."""

    path: str
    weight: Tensor
    bias: Tensor
    read: Tensor
    wrote: Tensor


_Parts: TypeAlias = tuple[_Linear, _Linear | None, _Linear, str]


@final
@dataclass(frozen=True, eq=False)
class _Calls:
    """Input and output of each module within a site, by path; only of those called once."""

    within: str
    tensors: Mapping[str, tuple[Tensor, Tensor]]

    def around(self, path: str) -> str:
        """The module around one, unless that is outside of the site."""
        outer = path.rpartition(".")[0]
        return outer if path != self.within and len(outer) >= len(self.within) else path

    def same(self, path: str, side: int, tensor: Tensor) -> bool:
        """Whether a module read (side 0) or wrote (side 1) that tensor."""
        own = self.tensors.get(path)
        return own is not None and torch.equal(own[side], tensor)


def find_mlp(
    model: LoadedModel, site: str, sample: Tensor | Mapping[str, Any] | None = None
) -> MLP:
    """The MLP within the module at a site: a layer, or the MLP itself.

    No list of architectures is read. The model runs once; two linear maps of which one reads what
    the other wrote, through one of `NONLINEARITIES` to 1e-4 of the largest neuron, are an MLP, and
    so are three of which two are multiplied.

    sample: an input of the model; a language model of transformers needs none.

    Errors: UnknownNameError for an unknown site; ConfigError for a module without an MLP of one
    hidden layer, or with several, and for a model that needs a sample.
    """
    within = resolve_site(model.model, site).module_path
    calls = _run(model, within, sample)
    linear = _linear_maps(model, calls)
    mlps = list(_mlps(linear))
    if len(mlps) != 1:
        seen = ", ".join(f"{one.path} {list(one.weight.shape)}" for one in linear[:6])
        raise ConfigError(
            f"got the site {site!r} with {len(mlps)} MLPs of one hidden layer, expected one: "
            f"linear maps up, {', '.join(NONLINEARITIES)}, and a map down. Its linear maps are "
            f"{seen or 'none'}; name the module of one MLP, or of the layer around it"
        )
    return _with_sites(calls, mlps[0])


def find_mlps(model: LoadedModel, sample: Tensor | Mapping[str, Any] | None = None) -> list[MLP]:
    """All MLPs of one hidden layer in a model, in the order of its modules; as `find_mlp`.

    Errors: ConfigError for a model without one, and for a model that needs a sample.
    """
    calls = _run(model, "", sample)
    mlps = [_with_sites(calls, parts) for parts in _mlps(_linear_maps(model, calls))]
    if not mlps:
        raise ConfigError(
            f"got the model {model.name!r} without an MLP of one hidden layer, expected linear "
            f"maps up and down with one of {', '.join(NONLINEARITIES)} between them"
        )
    return mlps


def _linear_maps(model: LoadedModel, calls: _Calls) -> list[_Linear]:
    return [
        _Linear(path, *weights, *calls.tensors[path])
        for path, module in model.model.named_modules()
        if path in calls.tensors and (weights := _weights(module)) is not None
    ]


def _run(model: LoadedModel, within: str, sample: Tensor | Mapping[str, Any] | None) -> _Calls:
    """The model's pass over the sample, as the modules within a site see it."""
    inputs = example_input(model.model) if sample is None else sample
    if inputs is None:
        raise ConfigError(f"the model {model.name!r} needs an input to run on; give one as sample=")
    calls: dict[str, list[tuple[Tensor, Tensor]]] = {}
    handles = []

    def recorder(path: str) -> Callable[..., None]:
        def record(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            try:
                read = input_activation(module, args, kwargs, path)
                wrote = output_activation(output, path)
            except (ConfigError, DataError):  # no activation, or several: not of an MLP
                return
            calls.setdefault(path, []).append((read.detach(), wrote.detach()))

        return record

    for path, module in model.model.named_modules():
        if not within or path == within or path.startswith(f"{within}."):
            handles.append(hook_call(module, recorder(path)))
    try:
        with eval_mode(model.model), explained("the model cannot run on the sample"):
            model.model(**inputs) if isinstance(inputs, Mapping) else model.model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return _Calls(within, {path: seen[0] for path, seen in calls.items() if len(seen) == 1})


def _weights(module: Any) -> tuple[Tensor, Tensor] | None:
    """Weight [out, in] and bias [out] of a linear map, also of the transposed one of GPT-2."""
    if type(module).__name__ == "Conv1D" and hasattr(module, "nf"):
        weight = module.weight.detach().T
    elif isinstance(module, nn.Linear):
        weight = module.weight.detach()
    else:
        return None
    bias = weight.new_zeros(len(weight)) if module.bias is None else module.bias.detach()
    return weight, bias


def _mlps(linear: list[_Linear]) -> Iterator[_Parts]:
    """For each map down: the maps up and the nonlinearity that make what it reads, if any do."""
    for down in linear:
        width, hidden = down.weight.shape[1], down.read
        ups = [
            one
            for one in linear
            if one is not down and len(one.weight) == width and one.wrote.shape == hidden.shape
        ]
        made = [
            (up, None, name, function(up.wrote))
            for name, function in NONLINEARITIES.items()
            for up in ups
        ] + [
            (up, gate, name, function(gate.wrote) * up.wrote)
            for name, function in NONLINEARITIES.items()
            for gate, up in permutations(ups, 2)
            if torch.equal(gate.read, up.read)
        ]
        # Two forms of GELU differ by little, so the nearest one is taken.
        errors = [float((neurons - hidden).abs().max()) for *_, neurons in made]
        best = min(range(len(made)), key=errors.__getitem__, default=None)
        if best is not None and errors[best] <= _TOLERANCE * float(hidden.abs().max()):
            up, gate, name, _ = made[best]
            yield up, gate, down, name


def _with_sites(calls: _Calls, parts: _Parts) -> MLP:
    up, gate, down, nonlinearity = parts
    around_up, around_down = (calls.around(one.path) for one in (up, down))
    reads = around_up if calls.same(around_up, 0, up.read) else up.path
    return MLP(
        f"{reads}:input",
        around_down if calls.same(around_down, 1, down.wrote) else down.path,
        nonlinearity,
        up.weight.float(),
        up.bias.float(),
        None if gate is None else gate.weight.float(),
        None if gate is None else gate.bias.float(),
        down.weight.float(),
        down.bias.float(),
        up.path,
        None if gate is None else gate.path,
        down.path,
    )
