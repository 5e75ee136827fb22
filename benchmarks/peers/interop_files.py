"""Files by which a library and sparsetime compare a dictionary: rows, codes, reconstructions.

A worker is called as `python interop_LIBRARY.py write FOLDER` and `... read FOLDER`. `write` makes
one dictionary of every architecture in a folder of its own, saved by the library, and what the
library computes with it. `read` opens every folder that is listed and computes the same.

Runs in the environments of the peers: nothing is imported here but torch and safetensors.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

# Small ones are the golden files of the tests (tests/interop/golden).
ROWS, D_IN, D_OUT, WIDTH, K = (32, 6, 4, 24, 3) if os.environ.get("SMALL") else (512, 24, 16, 96, 6)
Computed = Callable[[Path, Tensor], tuple[Tensor, Tensor]]


def rows(d: int, seed: int = 0) -> Tensor:
    """Rows that a dictionary can explain in part: sums of few directions, with a mean."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(2 * d, d, generator=generator)
    amounts = torch.rand(ROWS, 2 * d, generator=generator)
    active = torch.rand(ROWS, 2 * d, generator=generator) < 0.1
    mean = torch.randn(d, generator=generator)
    return (amounts * active) @ directions + mean


@torch.no_grad()
def shake(module: torch.nn.Module, seed: int = 1) -> None:
    """Give every float parameter and vector values unlike its first ones, atoms of any length."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        size = 0.3 if parameter.dim() > 1 else 0.1
        parameter.add_(torch.randn(parameter.shape, generator=generator) * size)


def write_expected(folder: Path, x: Tensor, code: Tensor, output: Tensor) -> None:
    """Write what the library computed."""
    tensors = {"x": x, "code": code, "output": output}
    save_file({n: t.detach().contiguous() for n, t in tensors.items()}, folder / "expected.st")


def run(write: Callable[[Path], None], compute: Computed) -> None:
    """The command line of a worker."""
    command, folder = sys.argv[1], Path(sys.argv[2])
    if command == "write":
        write(folder)
        return
    for name in json.loads((folder / "to_read.json").read_text()):
        x = load_file(folder / name / "expected.st")["x"]
        try:
            code, output = compute(folder / name, x)
        except Exception as error:  # what the library says of a file of ours is the finding
            (folder / name / "refused.txt").write_text(f"{type(error).__name__}: {error}")
            continue
        tensors = {"code": code.detach().contiguous(), "output": output.detach().contiguous()}
        save_file(tensors, folder / name / "peer.st")
