"""Cost of training on several processes: what two of them exchange, and a model up to 100 GPUs.

    python benchmarks/processes.py              # the model: arithmetic, in a second
    python benchmarks/processes.py --measure    # two processes here: bytes and time of a step

The model has no measured number of a GPU or of a network in it. It takes the bytes of
`sparsetime.training.distributed.traffic`, which tests compare with measured ones, and divides them
by the rates that are given as options.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from harness.selection import add_selection_dtype, force_inherited_dtype

import sparsetime as st
from sparsetime import seeds
from sparsetime.activations.sampling.batch import Batch
from sparsetime.kernels.precision import selection_dtype
from sparsetime.training.config import TrainConfig
from sparsetime.training.dictionary_trainable import DictionaryTrainable
from sparsetime.training.distributed.mesh_processes import DIMENSIONS, MeshProcesses
from sparsetime.training.distributed.row_selection import (
    first_proposals,
    share_of_second_rounds,
)
from sparsetime.training.distributed.traffic import StepShape, sent_bytes, sent_bytes_of_rows

_GIGA = 1e9


@dataclass(frozen=True)
class Machine:
    """Rates of one GPU, its network and its source of activations, taken from data sheets.

    product: multiply-adds of bfloat16 a second that a large product reaches, times two. memory,
    network, reading: bytes a second.
    """

    product: float
    memory: float
    network: float
    reading: float


@dataclass(frozen=True)
class Layout:
    """A dictionary, a batch, and the processes along both dimensions of the mesh."""

    width: int
    d: int
    k: int
    batch: int
    row_groups: int
    latents: int


@dataclass(frozen=True)
class Cost:
    """Of a step on each process: bytes held on the GPU and in host memory, and seconds by cause."""

    held: float
    host: float
    sent: float
    product: float
    exchange: float
    update: float
    reading: float

    @property
    def step(self) -> float:
        """Seconds of a step without any overlap; a thread reads ahead."""
        return self.product + self.exchange + self.update


def cost(layout: Layout, machine: Machine) -> Cost:
    """The cost of one TopK step.

        held      = 24 W d / R + 2 W d / R       two matrices, their moments, a bfloat16 copy of one
        host      = 8 W d                        the whole dictionary, as it was given and is saved
        product   = 2 B W d / (G R) / rate
        sent      = `sent_bytes` + `sent_bytes_of_rows`,    G groups of rows, R processes each
        update    = 48 touched d / bandwidth     weights, moments and gradients of two matrices
        reading   = 2 B d / rate                 every process reads the whole batch, in bfloat16

    touched: the latents of a process that a batch touches, at most its width.
    """
    own = -(-layout.width // layout.latents)
    rows = -(-layout.batch // layout.row_groups)
    proposed = first_proposals(layout.k, layout.latents)
    second = rows * share_of_second_rounds(layout.k, layout.latents, proposed)
    shape = StepShape(rows, layout.d, layout.k, layout.latents, second_round=round(second))
    touched = min(own, layout.batch * layout.k // layout.latents)
    sent = sum(sent_bytes(shape).values()) if layout.latents > 1 else 0.0
    if layout.row_groups > 1:
        sent += sent_bytes_of_rows(touched, own, layout.d, layout.row_groups)
    return Cost(
        held=26 * own * layout.d,
        host=8 * layout.width * layout.d,
        sent=sent,
        product=2 * rows * own * layout.d / machine.product,
        exchange=sent / machine.network,
        update=48 * touched * layout.d / machine.memory,
        reading=2 * layout.batch * layout.d / machine.reading,
    )


LAYOUTS = {
    "16k latents, 1 GPU": Layout(1 << 14, 4096, 64, 8192, 1, 1),
    "131k latents, 1 GPU": Layout(1 << 17, 4096, 64, 8192, 1, 1),
    "131k latents, 8 GPUs": Layout(1 << 17, 4096, 64, 8192, 1, 8),
    "131k latents, 8 GPUs by rows": Layout(1 << 17, 4096, 64, 8192, 8, 1),
    "1M latents, 8 GPUs": Layout(1 << 20, 4096, 64, 32768, 1, 8),
    "1M latents, 100 GPUs": Layout(1 << 20, 4096, 64, 32768, 1, 100),
    "1M latents, 12 groups of 8": Layout(1 << 20, 4096, 64, 32768, 12, 8),
}


def print_model(machine: Machine) -> None:
    """Print the model as a table."""
    print("| | GB held | GB host | MB sent | product | exchange | update | rows/s | rows/s read |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, layout in LAYOUTS.items():
        it = cost(layout, machine)
        times = " | ".join(f"{1e3 * t:.1f}" for t in (it.product, it.exchange, it.update))
        print(
            f"| {name} | {it.held / _GIGA:.2f} | {it.host / _GIGA:.1f} | {it.sent / 1e6:.0f} | "
            f"{times} | {layout.batch / it.step:,.0f} | {layout.batch / it.reading:,.0f} |"
        )


def measure(rounds: int, width: int, d: int, k: int, batch: int) -> None:
    """Bytes and time of TopK steps on one process and on two, in turn on both."""
    import torch.multiprocessing as mp

    meeting = Path(os.environ.get("TMPDIR", "/tmp")) / f"meeting-{os.getpid()}"
    try:
        mp.spawn(_measured, (str(meeting), rounds, width, d, k, batch), nprocs=2)
    finally:
        meeting.unlink(missing_ok=True)


def _measured(
    number: int, meeting: str, rounds: int, width: int, d: int, k: int, batch: int
) -> None:
    torch.set_num_threads(1)
    force_inherited_dtype()
    dist.init_process_group(
        "gloo",
        init_method=f"file://{meeting}",
        rank=number,
        world_size=2,
        timeout=timedelta(minutes=10),
    )
    mesh = dist.device_mesh.init_device_mesh("cpu", (1, 2), mesh_dim_names=DIMENSIONS)
    generator = seeds.torch_generator(0, "planted noise")
    x = Batch(torch.randn(batch, d, generator=generator))
    # Noise has no features, so latents would be dead, and the auxiliary loss would exchange too.
    config = TrainConfig(rows=batch * 1000, batch=batch, dead_after=1 << 40)
    dtype = selection_dtype(torch.device("cpu"))

    def trainable(divided: bool) -> DictionaryTrainable:
        sae = st.dictionary("topk", d_in=d, width=width, k=k)
        division = MeshProcesses(mesh).division(sae) if divided else None
        made = DictionaryTrainable(sae, config, dtype, division)
        made.initialise(x)
        made.step(x, 0)
        return made

    alone = trainable(False) if number == 0 else None
    both = trainable(True)
    times: dict[str, list[tuple[float, float]]] = {"one process": [], "each of two processes": []}
    sent = 0
    for turn in range(rounds):
        if alone is not None:
            times["one process"].append(_timed(alone, x, turn + 1))
        dist.barrier()
        before = _written()
        times["each of two processes"].append(_timed(both, x, turn + 1))
        sent = _written() - before
    if number == 0:
        second = round(batch * share_of_second_rounds(k, 2, first_proposals(k, 2)))
        expected = sum(sent_bytes(StepShape(batch, d, k, 2, second_round=second)).values())
        print(f"width {width}, d {d}, k {k}, batch {batch}, one thread a process")
        print(f"bytes sent by a process in a step: {sent:,}; by the formula {expected:,.0f}")
        for name, values in times.items():
            elapsed, cpu = (1e3 * statistics.median(column) for column in zip(*values, strict=True))
            print(f"{name}: {elapsed:.0f} ms a step, {cpu:.0f} of them on the CPU (medians)")
    dist.destroy_process_group()


def _timed(trainable: DictionaryTrainable, x: Batch, number: int) -> tuple[float, float]:
    """Seconds of a step by the clock, and those of this process's CPU: others may be busy too."""
    clock, cpu = time.perf_counter(), time.process_time()
    trainable.step(x, number)
    return time.perf_counter() - clock, time.process_time() - cpu


def _written() -> int:
    """Bytes that this process has written, to sockets and files (Linux)."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def main() -> None:
    """Print the model, or measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    add_selection_dtype(parser)
    parser.add_argument("--product", type=float, default=500e12, help="operations a second")
    parser.add_argument("--memory", type=float, default=3e12, help="bytes a second of a GPU")
    parser.add_argument("--network", type=float, default=50e9, help="bytes a second and process")
    parser.add_argument("--reading", type=float, default=5e9, help="bytes a second and process")
    options = parser.parse_args()
    if options.measure:
        measure(options.rounds, options.width, options.d, options.k, options.batch)
        return
    print_model(Machine(options.product, options.memory, options.network, options.reading))


if __name__ == "__main__":
    main()
