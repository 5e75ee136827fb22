"""Files of activations that all libraries read."""

from __future__ import annotations

from pathlib import Path

import torch
from harness.environments import CACHE
from safetensors.torch import save_file
from torch import Tensor


def synthetic(d: int, rows: int, seed: int = 0) -> Path:
    """Rows that are sums of 16 of 4 d directions, with an offset and some noise."""
    path = CACHE / f"synthetic_{d}_{rows}_{seed}.safetensors"
    if not path.exists():
        generator = torch.Generator().manual_seed(seed)
        directions = torch.randn(4 * d, d, generator=generator) / d**0.5
        offset = torch.randn(d, generator=generator) / d**0.5
        parts = []
        for start in range(0, rows, 4096):
            count = min(4096, rows - start)
            which = torch.randint(4 * d, (count, 16), generator=generator)
            strength = torch.empty(count, 16).exponential_(generator=generator)
            x = torch.einsum("bk,bkd->bd", strength, directions[which])
            noise = torch.randn(count, d, generator=generator) * (0.3 / d**0.5)
            parts.append(x + offset + noise)
        write(path, torch.cat(parts))
    return path


def write(path: Path, rows: Tensor) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"activations": rows.contiguous()}, path)
    return path
