"""Files of activations that all libraries read."""

from __future__ import annotations

from pathlib import Path

import torch
from harness.environments import CACHE
from safetensors.torch import save_file
from torch import Tensor

from sparsetime import seeds


def synthetic(d: int, rows: int, seed: int = 0, device: str = "cpu") -> Path:
    """Rows that are sums of 16 of 4 d directions, with an offset and some noise.

    device: where they are drawn; a GPU has random numbers of its own, so a file of its own.
    """
    kind = "" if device == "cpu" else f"_{device}"
    path = CACHE / f"synthetic_{d}_{rows}_{seed}_{seeds.STREAMS_VERSION}{kind}.safetensors"
    if not path.exists():
        generator = seeds.torch_generator(seed, "planted atoms", device=device)
        directions = torch.randn(4 * d, d, generator=generator, device=device) / d**0.5
        offset = torch.randn(d, generator=generator, device=device) / d**0.5
        generator = seeds.torch_generator(seed, "planted codes", device=device)
        parts = []
        for start in range(0, rows, 4096):
            count = min(4096, rows - start)
            which = torch.randint(4 * d, (count, 16), generator=generator, device=device)
            strength = torch.empty(count, 16, device=device).exponential_(generator=generator)
            x = torch.einsum("bk,bkd->bd", strength, directions[which])
            noise = torch.randn(count, d, generator=generator, device=device) * (0.3 / d**0.5)
            parts.append((x + offset + noise).cpu())
        write(path, torch.cat(parts))
    return path


def write(path: Path, rows: Tensor) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"activations": rows.contiguous()}, path)
    return path
