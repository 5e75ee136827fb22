"""Processes of a DeviceMesh that train together: one writes, all agree before the first step."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, ProcessError, SparsetimeError
from sparsetime.files import Folder
from sparsetime.training.checkpoints import Checkpoints
from sparsetime.training.distributed.code_hash import code_hash
from sparsetime.training.distributed.exchange import Exchange
from sparsetime.training.distributed.mesh_division import MeshDivision
from sparsetime.training.distributed.read_only_folder import ReadOnlyFolder
from sparsetime.training.distributed.shared_folder import check_shared_folder
from sparsetime.training.processes import Division, Processes

DIMENSIONS = ("data", "latent")


@final
class MeshProcesses(Processes):
    """The processes of a mesh with the dimensions `data` and `latent`.

    latents: those that have the other latents of the same rows. row_groups: those that have the
    same latents of other rows. everyone: all of them; the first writes.

    Errors: ConfigError where the mesh has other dimensions, or leaves processes out.
    """

    def __init__(self, mesh: DeviceMesh) -> None:
        if mesh.mesh_dim_names != DIMENSIONS:
            raise ConfigError(
                f"got a mesh with the dimensions {mesh.mesh_dim_names}, expected {DIMENSIONS}; "
                "make it with init_device_mesh(device, (groups, processes of a group), "
                f"mesh_dim_names={DIMENSIONS})"
            )
        if mesh.size() != dist.get_world_size():
            raise ConfigError(
                f"got a mesh of {mesh.size()} processes out of {dist.get_world_size()}, expected "
                "all of them; start as many processes as train together"
            )
        device = torch.device(mesh.device_type)
        if device.type != "cpu":
            device = torch.device(device.type, torch.get_device_module(device).current_device())
        self.latents = Exchange(mesh.get_group("latent"), device)
        self.row_groups = Exchange(mesh.get_group("data"), device)
        everyone = dist.group.WORLD
        assert everyone is not None  # a mesh has made it
        self.everyone = Exchange(everyone, device)
        self.writes = self.everyone.number == 0

    def device(self, dictionary: Dictionary) -> torch.device:
        return self.latents.device

    def division(self, dictionary: Dictionary, fingerprint: str | None) -> Division:
        return MeshDivision(dictionary, self, compare_every_batch=fingerprint is None)

    def folder(self, path: str) -> Folder:
        return Folder(path) if self.writes else ReadOnlyFolder(path)

    def checkpoints(self, path: str) -> Checkpoints:
        return Checkpoints(
            Folder(path),
            self.latents.number,
            self.latents.size,
            writes=self.row_groups.number == 0,
            gather=self.latents.gather_text,
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        own: SparsetimeError | None = None
        try:
            yield
        except SparsetimeError as error:
            own = error
        problems = self.everyone.gather_text("" if own is None else f"{type(own).__name__}: {own}")
        if own is not None:
            raise own
        for number, problem in enumerate(problems):
            if problem:
                raise ProcessError(
                    f"process {self.everyone.number} stops before training, because process "
                    f"{number} did: {problem}"
                )

    def check_equal(self, facts: Mapping[str, Any]) -> None:
        own = {
            **dict(_flat(facts)),
            "code of sparsetime": code_hash(),
            "Python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        }
        of_all = [json.loads(text) for text in self.everyone.gather_text(json.dumps(own))]
        first = of_all[0]
        for number, other in enumerate(of_all):
            names = sorted(k for k in {*first, *other} if first.get(k) != other.get(k))
            if names:
                shown = "; ".join(
                    f"{name} is {_short(first.get(name))} on process 0 and "
                    f"{_short(other.get(name))} on process {number}"
                    for name in names[:4]
                )
                raise ProcessError(
                    f"got processes that differ: {shown}. Expected the same code, data and "
                    "settings on all; start all of them with the same"
                )

    def check_folder(self, path: str) -> None:
        check_shared_folder(Folder(path), self.everyone)

    def of_first(self, own: Any) -> Any:
        return json.loads(self.everyone.gather_text(json.dumps(own))[0])


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, by their path."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
