"""Hooks that record the activations of sites as [batch, time, d]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, final

from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.recurrent_layers import layer_hook
from sparsetime.models.row_layout import RowLayout
from sparsetime.models.site_tensors import (
    Activations,
    Fits,
    as_batch_time_d,
    has_row_a_step,
    input_activation,
    output_activation,
)
from sparsetime.models.sites import Site, resolve_site
from sparsetime.models.wrappers import hook_call, hook_input, hook_output, submodule

# An exception must not leave the compiled or distributed code of these modules.
_NEVER_LEAVE_EARLY = ("OptimizedModule", "DistributedDataParallel", "FullyShardedDataParallel")
# Packages of modules whose calls depend on the shape of the input alone.
_STATIC = {"transformers", "torch"}


class _AllRecordedError(Exception):
    """Stops a forward pass in which every site has been recorded."""


@final
class Recorder:
    """Runs a model and records the activations of its sites.

    `time_axis` says which axis of a site's tensor is time: 1 for [batch, time, d], 0 for
    [time, batch, d], 2 for [batch, d, time] (convolutions over time). Axes beyond the batch and
    the time are flattened into d. A tensor of two axes is taken as [batch * time, d] where its
    first axis fits (expert layers flatten so). Sites in `layouts`, by name, have rows at another
    rate than the input, and their tensors the axes that are given there.

    Passes run to their end and check that each site is called once. Models of transformers call
    their modules as often for all inputs of one shape, so passes of a shape that ran once stop as
    soon as all sites are recorded, unless the model is compiled or distributed or `stop_early` is
    false. How often other models call a module may depend on the values of the input.
    """

    def __init__(
        self,
        model: nn.Module,
        sites: str | Sequence[str],
        time_axis: int = 1,
        stop_early: bool = True,
    ) -> None:
        if time_axis not in (0, 1, 2, 3):
            raise ConfigError(
                f"time_axis={time_axis} is no axis of an activation; use 1 for [batch, time, d], "
                f"0 for [time, batch, d], 2 for [batch, d, time]"
            )
        self.model = model
        self.layouts: Mapping[str, RowLayout] = {}
        names = [sites] if isinstance(sites, str) else list(sites)
        self._sites = [resolve_site(model, name) for name in names]
        self._time_axis = time_axis
        self._may_stop = stop_early and _can_stop_early(model)
        self._whole_passes: set[tuple[int, int]] = set()
        self._stops_now = False
        self._fits: Fits | None = None
        self._recorded: dict[str, Tensor] = {}
        self._calls: dict[str, int] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> Recorder:
        for site in self._sites:
            module = submodule(self.model, site.module_path)
            if site.layer is not None:
                record = partial(self._record, site)
                handle = hook_call(module, layer_hook(site.layer, site.name, record))
            elif site.side == "input":
                handle = hook_input(module, self._on_input(site))
            else:
                handle = hook_output(module, self._on_output(site))
            self._handles.append(handle)
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def run(
        self,
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        batch: int,
        time: int,
        data: str = "",
    ) -> dict[str, Activations]:
        """The activations of each site in a forward pass of `batch` sequences of `time` steps.

        data: what the sequences are, in errors.

        Errors: DataError where a site is not called, ConfigError where it is called more than
        once, MismatchError where a site does not give one row a step.
        """
        self._fits = has_row_a_step(batch, time, self._time_axis)
        self._stops_now = (batch, time) in self._whole_passes
        self._pass(arguments, keywords, data)
        if self._may_stop:
            self._whole_passes.add((batch, time))
        return {site.name: self._rows(site.name, batch, time) for site in self._sites}

    def tensors(self, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Tensor]:
        """The tensor of each site in a forward pass, in the shape that the module gives.

        Errors: as `run`, but for shapes.
        """
        self._fits, self._stops_now = None, False
        self._pass(arguments, keywords, "")
        return dict(self._recorded)

    def _pass(self, arguments: Sequence[Any], keywords: Mapping[str, Any], data: str) -> None:
        self._recorded, self._calls = {}, {}
        try:
            self.model(*arguments, **keywords)
        except _AllRecordedError:
            return
        self._check_calls(f" of the {data}" if data else "")

    def _rows(self, name: str, batch: int, time: int) -> Activations:
        value, layout = self._recorded[name], self.layouts.get(name)
        if layout is not None:
            return layout.rows(value, batch, name)
        return as_batch_time_d(value, name, batch, time, self._time_axis)

    def _check_calls(self, data: str) -> None:
        for site in self._sites:
            calls = self._calls.get(site.name, 0)
            if calls == 0:
                raise DataError(
                    f"the site {site.name!r} exists, but the model's forward pass{data} does not "
                    f"call that module; choose a module that the forward pass calls"
                )
            if calls > 1:
                raise ConfigError(
                    f"the site {site.name!r} is passed {calls} times in one forward pass{data}, so "
                    f"its activations have no single order in time; choose a module that is called "
                    f"once, for example the one around it"
                )

    def _record(self, site: Site, tensor: Tensor) -> None:
        # Copied, since later layers may write into the same memory.
        self._recorded[site.name] = tensor.detach().clone()
        self._calls[site.name] = self._calls.get(site.name, 0) + 1
        if self._stops_now and len(self._recorded) == len(self._sites):
            raise _AllRecordedError

    def _fits_of(self, site: Site) -> Fits | None:
        return None if site.name in self.layouts else self._fits

    def _on_input(self, site: Site) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._record(
                site,
                input_activation(module, args, kwargs, site.name, site.part, self._fits_of(site)),
            )

        return hook

    def _on_output(self, site: Site) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            fits = self._fits_of(site)
            self._record(site, output_activation(output, site.name, site.part, fits))

        return hook


@contextmanager
def recording(model: nn.Module, sites: str | Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """A dict of each site's last activations, filled by forward passes in the block.

    ```python
    with recording(model, ["h.5.mlp"]) as activations:
        model(input_ids=ids)
    activations["h.5.mlp"]  # [batch, time, d]
    ```

    Tensors are copies, without gradients, in the model's own dtype and layout. Errors:
    UnknownNameError for a site that does not exist, with the closest ones.
    """
    activations: dict[str, Tensor] = {}
    with Recorder(model, sites, stop_early=False) as recorder:
        recorder._recorded = activations
        yield activations


def _can_stop_early(model: nn.Module) -> bool:
    packages = {type(module).__module__.partition(".")[0] for module in model.modules()}
    if type(model).__module__.partition(".")[0] != "transformers" or packages - _STATIC:
        return False
    return not any(type(module).__name__ in _NEVER_LEAVE_EARLY for module in model.modules())
