"""Split pass: a forward pass cut at the sites that write, and recorded at the sites that read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.interventions.frozen_functions import FrozenFunctions
from sparsetime.interventions.model_inputs import ModelInput, batch_and_time, forward_arguments
from sparsetime.interventions.site_exchange import substitute
from sparsetime.models.constant_parameters import constant_parameters
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.site_tensors import (
    as_batch_time_d,
    has_row_a_step,
    input_activation,
    output_activation,
)
from sparsetime.models.sites import Site, resolve_site
from sparsetime.models.wrappers import hook_input, hook_output, submodule

Activations = Float[Tensor, "batch time d"]
#: By site that writes: the part of its activations that is a function of what was read so far.
Carried: TypeAlias = Mapping[str, Callable[[Mapping[str, Tensor]], Tensor]]


@final
class SplitPass:
    """Forward passes in which what follows a site depends on a copy of its activations alone.

    writes: sites whose activations are replaced by leaves, tensors that gradients are taken for.
    reads: sites whose activations are recorded with their gradients. A module that a write is the
    output of computes without gradients, unless a site lies within it or reads its output. carried:
    parts of writes that stay functions of the reads, such as a skip connection; a leaf is the rest.

    Errors: UnknownNameError for a site that does not exist; ConfigError for a layer that its module
    computes in one call with others, and for no writes.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: ModelInput,
        writes: Sequence[str],
        reads: Sequence[str],
        carried: Carried | None = None,
    ) -> None:
        if not writes:
            raise ConfigError("got no sites that write, expected one or more, such as an MLP")
        self.model = model
        self.inputs = inputs
        self._arguments = forward_arguments(model, inputs)
        self.batch, self.time = batch_and_time(*self._arguments)
        self.writes = {name: _plain_site(model, name) for name in writes}
        self.reads = {name: _plain_site(model, name) for name in reads}
        self.carried: Carried = carried or {}
        self.leaves: dict[str, Activations] = {}
        self.read: dict[str, Activations] = {}
        self._given: Mapping[str, Activations] | None = None
        self._calls: Counter[str] = Counter()
        self._fits = has_row_a_step(self.batch, self.time)

    def run(
        self, mode: FrozenFunctions | None = None, given: Mapping[str, Activations] | None = None
    ) -> Any:
        """The output of the model; afterwards `leaves` and `read` are those of this pass.

        given: activations of the writes in place of their own, [batch, time, d].

        Errors: DataError where the pass does not call a site, ConfigError where it calls one more
        than once, MismatchError where a site has not one row a step.
        """
        self.leaves, self.read, self._given = {}, {}, given
        self._calls = Counter()
        arguments, named = self._arguments
        # Parameters are constant, so that the graph holds paths from leaves alone.
        with eval_mode(self.model), constant_parameters(self.model), torch.enable_grad():
            if mode is None:
                with self._hooks(None):
                    output = self.model(*arguments, **named)
            else:
                with mode.watching(self.model), self._hooks(mode), mode:
                    output = self.model(*arguments, **named)
        for name in (*self.writes, *self.reads):
            self._check_calls(name)
        return output

    def plain(self) -> Any:
        """The output of the model as it is, without gradients."""
        arguments, named = self._arguments
        with eval_mode(self.model):
            return self.model(*arguments, **named)

    @contextmanager
    def _hooks(self, mode: FrozenFunctions | None) -> Iterator[None]:
        handles = []
        gradients = torch.is_grad_enabled()
        suspended: list[str] = []

        def begin(name: str) -> Any:
            def hook(*_: Any) -> None:
                suspended.append(name)
                torch.set_grad_enabled(False)
                if mode is not None:
                    mode.suspend()

            return hook

        def end(name: str) -> Any:
            def hook(*_: Any) -> None:
                suspended.remove(name)
                torch.set_grad_enabled(gradients)
                if mode is not None:
                    mode.resume()

            return hook

        try:
            for path in self._sites_by_module():
                module = submodule(self.model, path)
                handles.append(hook_input(module, self._on_input(path)))
                name = self._computes_alone(path)
                if name is not None:
                    handles += [hook_input(module, begin(name)), hook_output(module, end(name))]
                handles.append(hook_output(module, self._on_output(path)))
            yield
        finally:
            for handle in handles:
                handle.remove()
            if suspended:
                torch.set_grad_enabled(gradients)

    def _sites_by_module(self) -> list[str]:
        sites = (*self.writes.values(), *self.reads.values())
        return list(dict.fromkeys(site.module_path for site in sites))

    def _computes_alone(self, path: str) -> str | None:
        """The write that is the output of a module whose inside nothing reads."""
        sites = (*self.writes.values(), *self.reads.values())
        within = any(
            site.module_path.startswith(f"{path}." if path else "")
            for site in sites
            if site.module_path != path
        )
        is_read = any(s.module_path == path and s.side == "output" for s in self.reads.values())
        if within or is_read:
            return None
        own = (n for n, s in self.writes.items() if s.module_path == path and s.side == "output")
        return next(own, None)

    def _on_input(self, path: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            changed = False
            for name, site, writes in self._at(path, "input"):
                old = input_activation(module, args, kwargs, name, site.part, self._fits)
                new = self._visited(name, old, writes)
                if writes:
                    args, kwargs = substitute(args, old, new), substitute(kwargs, old, new)
                    changed = True
            return (args, kwargs) if changed else None

        return hook

    def _on_output(self, path: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
            for name, site, writes in self._at(path, "output"):
                old = output_activation(output, name, site.part, self._fits)
                new = self._visited(name, old, writes)
                if writes:
                    output = substitute(output, old, new)
            return output

        return hook

    def _at(self, path: str, side: str) -> list[tuple[str, Site, bool]]:
        """The sites at one side of a module, those that read first: they see what is replaced."""
        groups = ((self.reads, False), (self.writes, True))
        return [
            (name, site, writes)
            for sites, writes in groups
            for name, site in sites.items()
            if site.module_path == path and site.side == side
        ]

    def _visited(self, name: str, tensor: Tensor, writes: bool) -> Tensor:
        self._calls[f"{writes}{name}"] += 1
        x = as_batch_time_d(tensor, name, self.batch, self.time, advice="choose another site")
        if not writes:
            self.read[name] = x
            return tensor
        carried = self.carried[name](self.read) if name in self.carried else None
        if self._given is not None:
            own = self._given[name]
        else:
            own = x if carried is None else x - carried
        if own.shape != x.shape:
            raise MismatchError(
                f"got activations of shape {list(own.shape)} for the site {name!r}, expected "
                f"{list(x.shape)}"
            )
        leaf = own.detach().clone().requires_grad_()
        self.leaves[name] = leaf
        # A copy, as some models change their activations in place.
        written = leaf.clone() if carried is None else leaf + carried
        return written.reshape(tensor.shape)

    def _check_calls(self, name: str) -> None:
        calls = max(self._calls[f"True{name}"], self._calls[f"False{name}"])
        if calls == 0:
            raise DataError(
                f"the site {name!r} exists, but the forward pass does not call that module; choose "
                "a module that the forward pass calls"
            )
        if calls > 1:
            raise ConfigError(
                f"the site {name!r} is passed {calls} times in one forward pass, as a module that "
                "several layers share; choose a module that is called once"
            )


def _plain_site(model: nn.Module, name: str) -> Site:
    site = resolve_site(model, name)
    if site.layer is not None:
        raise ConfigError(
            f"the site {name!r} is a layer that its module computes in one call with all others; "
            "choose the module, or build it as one module a layer"
        )
    return site
