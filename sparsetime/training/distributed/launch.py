"""The mesh of the processes that torchrun started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from sparsetime.errors import ConfigError, ProcessError
from sparsetime.training.distributed.mesh_processes import DIMENSIONS

_MEETING = ("RANK", "MASTER_ADDR", "MASTER_PORT")  # what torchrun sets, beside WORLD_SIZE


@contextmanager
def torchrun_mesh(row_groups: int, timeout: float) -> Iterator[DeviceMesh | None]:
    """The mesh of all processes that torchrun started with this one; None where there is only this.

    row_groups: groups that divide the rows of a batch; the processes of a group divide the latents.
    timeout: seconds after which a process that does not answer counts as lost. Processes exchange
    through NCCL where each of a machine has a GPU, and through gloo otherwise.

    Errors: ConfigError where the processes cannot be divided into `row_groups` groups, or where
    WORLD_SIZE was set without the rest of what torchrun sets; ProcessError where they do not meet.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count % row_groups:
        raise ConfigError(
            f"got row_groups={row_groups} for {count} processes, expected a number that divides "
            "them; start as many processes as there are groups, or a multiple"
        )
    if count == 1:
        yield None
        return
    missing = [name for name in _MEETING if name not in os.environ]
    if missing:
        raise ConfigError(
            f"got WORLD_SIZE={count} without {', '.join(missing)}, expected all that torchrun "
            "sets; start the command with torchrun, or unset WORLD_SIZE to train in one process"
        )
    here = int(os.environ.get("LOCAL_WORLD_SIZE", count))
    device = "cuda" if torch.cuda.device_count() >= here else "cpu"
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        dist.init_process_group(
            "nccl" if device == "cuda" else "gloo", timeout=timedelta(seconds=timeout)
        )
    except dist.DistError as error:
        rank, host, port = (os.environ[name] for name in _MEETING)
        raise ProcessError(
            f"process {rank} of {count} did not meet the others at {host}:{port} within "
            f"{timeout:g} s ({str(error)[:120]}). Look at their output for the cause, then start "
            "all processes again"
        ) from error
    try:
        yield init_device_mesh(device, (row_groups, count // row_groups), mesh_dim_names=DIMENSIONS)
    finally:
        dist.destroy_process_group()
