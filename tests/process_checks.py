"""Checks that run on two processes; `pair.run_together` starts them."""

import os
import time
import warnings
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from interruptions import interrupted_at
from planted import planted
from process_pair import joined, mesh_of
from small_batches import small_batch
from small_recipes import CARDS, small
from small_store import store_of_rows

import sparsetime as st
from sparsetime import kernels, seeds
from sparsetime.activations.sampling.batch import Batch
from sparsetime.cli import app
from sparsetime.errors import ConfigError, ProcessError, SparsetimeError
from sparsetime.files import Folder
from sparsetime.training import job
from sparsetime.training.config import TrainConfig
from sparsetime.training.dictionary_trainable import DictionaryTrainable
from sparsetime.training.distributed import mesh_processes, shared_folder
from sparsetime.training.distributed.batch_selection import largest_of_batch
from sparsetime.training.distributed.divide import check_divisible
from sparsetime.training.distributed.exchange import Exchange
from sparsetime.training.distributed.mesh_processes import MeshProcesses
from sparsetime.training.distributed.row_selection import largest_per_row

STEPS, ROWS = 6, 64
# Of scores on which the protocols are tried: a process first proposes fewer than K of a row.
WIDTH, K = 120, 32
# Weights differ by rounding alone; what Adam makes of the rounding of a tiny gradient is more.
CONFIG = {"rows": STEPS * ROWS, "batch": ROWS, "learning_rate": 3e-3, "dead_after": 3 * ROWS}


def divisible(sae, latents=1, rows=1):
    try:
        check_divisible(sae, latents, rows)
    except ConfigError:
        return False
    return True


def batches(sae):
    """Batches of a dictionary's needs, the last of them smaller and of an odd number of rows."""
    return [small_batch(sae, ROWS - 3 * (n == STEPS - 1), seed=n) for n in range(STEPS)]


def trained(sae, division=None):
    """Train for some steps: the trainable, and the supports and log lines of all steps.

    The first latents begin far from firing, so that they are dead after three steps.
    """
    if hasattr(sae.encoder, "bias"):
        with torch.no_grad():
            sae.encoder.bias[:8] = -2.0
    trainable = DictionaryTrainable(sae, TrainConfig(**CONFIG), torch.float32, division)
    supports, losses = [], []
    for number, batch in enumerate(batches(sae)):
        if number == 0:
            trainable.initialise(batch)
        trainable.step(batch, number)
        supports.append(trainable._last_forward.support)
        losses.append(trainable.metrics())
    return trainable, supports, losses


def places(supports, count=1, number=0):
    return torch.cat(
        [
            (step << 32) + (s.row_of_entry << 16) + s.indices * count + number
            for step, s in enumerate(supports)
        ]
    )


def recipes(folder, number, count):
    """Every recipe that can be divided, on one process and on all: latents, then rows."""
    meshes = {"latents": mesh_of(1, count), "rows": mesh_of(count, 1)}
    out = {}
    for name in sorted(CARDS):
        for kind, mesh in meshes.items():
            latents, rows = (count, 1) if kind == "latents" else (1, count)
            if not divisible(small(name), latents, rows):
                continue
            sae = small(name)
            processes = MeshProcesses(mesh)
            division = processes.division(sae, "of the test")
            trainable, supports, losses = trained(sae, division)
            division.collect()
            key = f"{kind}/{name}"
            if kind == "latents":
                out[f"{key}/places"] = places(supports, count, number)
            out |= {f"{key}/weights/{n}": t for n, t in sae.state_dict().items()}
            out[f"{key}/losses"] = torch.tensor([list(line.values()) for line in losses])
            out[f"{key}/since"] = trainable.tracker.rows_since
    return out


#: Recipes that are also trained on a mesh of two by two: every rule of selection.
BOTH = ("topk", "batch_topk", "matryoshka_batch_topk", "abs_topk", "jumprelu", "adaptive_k")


def square(folder, number, count):
    """Some recipes with latents and rows divided at once, on four processes."""
    processes = MeshProcesses(mesh_of(2, count // 2))
    out = {}
    for name in BOTH:
        sae = small(name)
        division = processes.division(sae, "of the test")
        _, _, losses = trained(sae, division)
        division.collect()
        out |= {f"both/{name}/weights/{n}": t for n, t in sae.state_dict().items()}
        out[f"both/{name}/losses"] = torch.tensor([list(line.values()) for line in losses])
    return out


def score_cases():
    """Dense scores [rows, width] by name: each asks something else of the protocol."""
    generator = seeds.torch_generator(0, "random choice")
    scores = torch.randn(24, WIDTH, generator=generator)
    one_sided = scores.abs()
    one_sided[:, 0::2] += 10  # all of the largest are on the first process
    return {
        "random": scores,
        "one-sided": one_sided,
        "equal": torch.randint(0, 3, (24, WIDTH), generator=generator).float(),
        "few": scores * (torch.rand(24, WIDTH, generator=generator) < 0.05),
        "none": -scores.abs(),
    }


def selections(folder, number, count):
    """Both protocols on scores that are known, and how many gathers each took."""
    mesh = MeshProcesses(mesh_of(1, count))
    out = {}
    for name, scores in score_cases().items():
        own = scores[:, number::count].contiguous()

        def of_rows(most, rows, own=own):
            some = own if rows is None else own[rows]
            support = kernels.select_dense(some, kernels.TopKRule(most))
            return support, some[support.row_of_entry, support.indices]

        def of_batch(most, own=own):
            support = kernels.select_dense(own, kernels.BatchTopKRule(most))
            return support, own[support.row_of_entry, support.indices]

        def place(support):
            return support.row_of_entry * WIDTH + support.indices * count + number

        ks = torch.full((24,), K)
        with recorded() as calls:
            support = largest_per_row(of_rows, ks, WIDTH, mesh.latents)
        out[f"rows/{name}"] = place(support)
        out[f"rows/{name}/gathers"] = torch.tensor(len(calls["gather"]))
        with recorded() as calls:
            support = largest_of_batch(of_batch, 24 * K, 20, own.shape[1], place, mesh.everyone)
        out[f"batch/{name}"] = place(support)
        out[f"batch/{name}/sums"] = torch.tensor(len(calls["sum"]))
    return out


@contextmanager
def recorded():
    """The bytes of the tensors that are exchanged within the block, by kind of collective."""
    calls = {"sum": [], "gather": []}
    sums, gathers = dist.all_reduce, dist.all_gather

    def all_reduce(tensor, *arguments):
        calls["sum"].append(tensor.numel() * tensor.element_size())
        return sums(tensor, *arguments)

    def all_gather(parts, own, *arguments):
        calls["gather"].append(own.numel() * own.element_size())
        return gathers(parts, own, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dist, "all_reduce", all_reduce)
        patch.setattr(dist, "all_gather", all_gather)
        yield calls


def written():
    """Bytes that this process has written, to files and to sockets."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


TRAFFIC = {
    "topk": {"width": 512, "k": 16},
    "wide": {"name": "topk", "width": 2048, "k": 16},
    "batch_topk": {"width": 512, "k": 16},
    "matryoshka_batch_topk": {"width": 512, "k": 16},
}


def traffic(folder, number, count):
    """What one step exchanges: bytes given to collectives, and bytes written to sockets."""
    out = {}
    for name, settings in TRAFFIC.items():
        sae = st.dictionary(**{"name": name, "d_in": 64, **settings})
        division = MeshProcesses(mesh_of(1, count)).division(sae, "of the test")
        config = TrainConfig(rows=512 * 4, batch=512)
        trainable = DictionaryTrainable(sae, config, torch.float32, division)
        x = Batch(planted(512, d=64, active=12))
        trainable.initialise(x)
        trainable.step(x, 0)
        with recorded() as calls:
            before = written()
            trainable.step(x, 1)
            out[f"{name}/written"] = torch.tensor(written() - before)
        ring = sum(2 * (count - 1) / count * n for n in calls["sum"])
        out[f"{name}/sent"] = torch.tensor(ring + sum((count - 1) * n for n in calls["gather"]))
        out[f"{name}/groups"] = torch.tensor(len(sae.groups))
        second = calls["gather"][1:] if sae.sparsifier.kind == "top_k" else []
        out[f"{name}/second round"] = torch.tensor(sum(second) // (4 * settings["k"]))
    return out


RUN = {
    "rows": 40 * 64,
    "batch": 64,
    "learning_rate": 3e-3,
    "checkpoint_every": 10,
    "selection_dtype": "float32",
    "show": False,
}


def topk(**settings):
    return st.dictionary(**{"name": "topk", "d_in": 16, "width": 64, "k": 4, **settings})


def odd():
    """A dictionary with more latents on the first process, and a frozen parameter.

    Its k falls from more latents than one of two processes has.
    """
    falling = {"kind": "falling_k", "inner": {"kind": "top_k", "k": 4}, "first": 48}
    sae = st.compose(d_in=16, width=63, sparsifier=falling)
    sae.encoder.bias.requires_grad_(False)
    return sae


def runs(folder, number, count):
    """Whole runs in folders: one to its end, and one that stops after a checkpoint."""
    x, out = planted(800), Path(folder) / "runs"
    mesh = mesh_of(1, count)
    if number == 0:
        store_of_rows(x, out / "store")
    dist.barrier()
    st.train(topk(), st.open_store(out / "store"), out=out / "of a store", mesh=mesh, **RUN)
    for name in ("topk", "matryoshka_batch_topk"):
        st.train(small(name), x, out=out / name, mesh=mesh, snapshots=1, **RUN)
    with interrupted_at(27):
        st.train(small("topk"), x, out=out / "cut", mesh=mesh, **RUN)
    st.train(odd(), x, out=out / "odd", mesh=mesh, **RUN)
    again = st.train(small("topk"), x, out=out / "topk", mesh=mesh, snapshots=1, **RUN)
    return {f"again/{name}": tensor for name, tensor in again.dictionary.state_dict().items()}


def refusals(folder, number, count):
    """Errors before the first step, where processes differ or the dictionary cannot be divided."""
    out, path = {}, Path(folder) / "refused"
    meshes = {"latents": mesh_of(1, count), "rows": mesh_of(count, 1)}

    def refused(name, sae, x, mesh="latents", **settings):
        try:
            st.train(sae, x, out=path / name, mesh=meshes[mesh], **{**RUN, **settings})
        except SparsetimeError as error:
            out[name] = f"{type(error).__name__}: {error}"
        else:
            out[name] = "nothing was refused"

    x = planted(800)
    refused("settings", small("topk"), x, learning_rate=(1 + number) * 1e-3)
    refused("data", small("topk"), planted(800, seed=number))
    refused("batches", small("topk"), (b for b in planted(3000, seed=number).split(64)))
    refused("a later batch", small("topk"), batches_that_differ_from(5, number))
    refused("a shorter batch", small("topk"), batches_that_differ_from(5, number, rows=60))
    refused("weights", small("topk", seed=number), x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mesh_processes, "code_hash", lambda: "0123456789"[number])
        refused("code", small("topk"), x)
    refused("width", topk(width=64 if number else 128), x)
    refused("one process", topk(d_in=16 if number else 8), x)
    for name in ("kron_sae", "mp_sae", "top_afa"):
        refused(name, small(name), planted(800, sequences=8))
    refused("feature_choice by rows", small("feature_choice"), x, mesh="rows")
    refused("small groups", small("matryoshka_batch_topk", fractions=(1 / 64, 1.0)), x)
    refused("large k", small("topk", k=40), x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "write_bytes", in_two_steps)
        refused("rename", small("topk"), x)
    with pytest.MonkeyPatch.context() as patch:
        if number:
            patch.setattr(mesh_processes, "Folder", lambda url: Folder(f"{url}-elsewhere"))
        patch.setattr(shared_folder, "_PATIENCE", 0.2)
        refused("another folder", small("topk"), x)
    return out


def batches_that_differ_from(first, number, rows=64):
    """Batches of 64 rows; from the batch `first` on, those of the last process are others."""
    for at, batch in enumerate(planted(3000).split(64)):
        yield (batch.flip(1) if rows == 64 else batch[:rows]) if number and at >= first else batch


def in_two_steps(self, name, data):
    """A file system whose renames are not atomic: the old file is gone before the new one is."""
    path = self.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    time.sleep(0.02)
    path.write_bytes(data)


def hanging(folder, number, count):
    """The error of the first process where the last does not answer before the timeout."""
    group = dist.new_group(timeout=timedelta(seconds=1))
    if number == count - 1:
        time.sleep(4)
        return {}
    with pytest.raises(ProcessError) as error:
        Exchange(group, torch.device("cpu")).wait()
    return {"error": str(error.value)}


def everything(folder, number, count):
    """All checks of two processes that live to their end."""
    return {
        check.__name__: check(folder, number, count)
        for check in (selections, traffic, runs, refusals, recipes, hanging)
    }


def killed(folder, number, count):
    """The command line on several processes, of which the last is killed at a step."""
    original = job.Job.train_step

    def train_step(self, batch, step, began):
        if step == 25 and number == count - 1:
            os._exit(9)
        return original(self, batch, step, began)

    job.Job.train_step = train_step
    app(["train", "--config", f"{folder}/run.yaml"])


def main(name, folder, number, count):
    """What a process of `run_together` does."""
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    if name == "killed":
        killed(folder, number, count)
    joined(folder, number, count)
    found = {"everything": everything, "square": square}[name](folder, number, count)
    torch.save(found, Path(folder) / f"found-{number}.pt")
    dist.destroy_process_group()
