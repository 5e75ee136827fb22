"""Several gloo processes on one machine that run the checks of `process_checks`."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent


def run_together(check, folder, count=2, timeout=200, environment=None):
    """Run a check on `count` processes; the exit codes, and what each printed, by number."""
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    processes = [
        subprocess.Popen(
            [sys.executable, HERE / "process_checks.py", check, folder, str(number), str(count)],
            env={**os.environ, "PYTHONPATH": path, **(environment or {}), "RANK": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(count)
    ]
    try:
        printed = [process.communicate(timeout=timeout)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], printed


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
