"""Hooks that record the activations of sites as [batch, time, d]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.site_tensors import Activations, activation_in, as_batch_time_d
from sparsetime.models.sites import Site, resolve_site

# An exception must not leave the compiled or distributed code of these modules.
_NEVER_LEAVE_EARLY = ("OptimizedModule", "DistributedDataParallel", "FullyShardedDataParallel")


class _AllRecordedError(Exception):
    """Stops a forward pass in which every site has been recorded."""


@final
class Recorder:
    """Runs a model and records the activations of its sites.

    `time_axis` says which axis of a site's tensor is time: 1 for [batch, time, d], 0 for
    [time, batch, d], 2 for [batch, d, time] (convolutions over time). Axes beyond the batch and
    the time are flattened into d. A tensor of two axes is taken as [batch * time, d] where its
    first axis fits (expert layers flatten so).

    The first pass runs to its end and checks that each site is called once. Later passes stop as
    soon as all sites are recorded, unless the model is compiled or distributed or `stop_early`
    is false.
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
        self._model = model
        names = [sites] if isinstance(sites, str) else list(sites)
        self._sites = [resolve_site(model, name) for name in names]
        self._time_axis = time_axis
        self._may_stop = stop_early and _can_stop_early(model)
        self._stops_now = False
        self._recorded: dict[str, Tensor] = {}
        self._calls: dict[str, int] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> Recorder:
        for site in self._sites:
            module = self._model.get_submodule(site.module_path)
            if site.side == "input":
                handle = module.register_forward_pre_hook(self._on_input(site), with_kwargs=True)
            else:
                handle = module.register_forward_hook(self._on_output(site))
            self._handles.append(handle)
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def run(
        self, arguments: Sequence[Any], keywords: Mapping[str, Any], batch: int, time: int
    ) -> dict[str, Activations]:
        """The activations of each site in a forward pass of `batch` sequences of `time` steps.

        Errors: DataError where a site is not called, ConfigError where it is called more than
        once, MismatchError where a site does not give one row a step.
        """
        self._recorded, self._calls = {}, {}
        try:
            self._model(*arguments, **keywords)
        except _AllRecordedError:
            pass
        else:
            self._check_calls()
            self._stops_now = self._may_stop
        return {
            site.name: as_batch_time_d(
                self._recorded[site.name], site.name, batch, time, self._time_axis
            )
            for site in self._sites
        }

    def _check_calls(self) -> None:
        for site in self._sites:
            calls = self._calls.get(site.name, 0)
            if calls == 0:
                raise DataError(
                    f"the site {site.name!r} exists, but the model's forward pass does not call "
                    f"that module; choose a module that the forward pass calls"
                )
            if calls > 1:
                raise ConfigError(
                    f"the site {site.name!r} is passed {calls} times in one forward pass, so its "
                    f"activations have no single order in time; choose a module that is called "
                    f"once, for example the one around it"
                )

    def _record(self, site: Site, value: Any) -> None:
        tensor = activation_in(value, site.name)
        # Copied, since later layers may write into the same memory.
        self._recorded[site.name] = tensor.detach().clone()
        self._calls[site.name] = self._calls.get(site.name, 0) + 1
        if self._stops_now and len(self._recorded) == len(self._sites):
            raise _AllRecordedError

    def _on_input(self, site: Site) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._record(site, args if args else kwargs)

        return hook

    def _on_output(self, site: Site) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            self._record(site, output)

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
    if isinstance(model, torch.jit.ScriptModule):
        return False
    return not any(type(module).__name__ in _NEVER_LEAVE_EARLY for module in model.modules())
