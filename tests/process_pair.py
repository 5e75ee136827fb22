"""Several gloo processes on one machine that run the checks of `process_checks`."""

import socket
from datetime import timedelta
from pathlib import Path

import forked

RUN = """
import os
check, folder, number, count, environment, log = given
os.environ.update(environment)
for stream in (1, 2):
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
import process_checks
process_checks.main(check, folder, number, count)
"""


def run_together(check, folder, count=2, timeout=200, environment=None):
    """Run a check on `count` processes; the exit codes, and what each printed, by number."""
    logs = [Path(folder) / f"{check}-{number}.txt" for number in range(count)]
    processes = [
        forked.start(
            RUN, check, folder, number, count, {**(environment or {}), "RANK": str(number)}, log
        )
        for number, log in enumerate(logs)
    ]
    try:
        for process in processes:
            process.join(timeout)
        assert all(process.exitcode is not None for process in processes), "not ended in time"
    finally:
        for process in processes:
            process.kill()
    return [process.exitcode for process in processes], [log.read_text() for log in logs]


def free_port():
    """A port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def joined(folder, number, count, seconds=60):
    """Join the process group whose processes meet in a file of the folder."""
    import torch.distributed as dist

    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=number,
        world_size=count,
        timeout=timedelta(seconds=seconds),
    )


def mesh_of(groups, latents):
    """The mesh of `groups` groups of rows, with `latents` processes each."""
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh("cpu", (groups, latents), mesh_dim_names=("data", "latent"))
