"""sparsify in a comparison of formats: SAE, transcoder and skip transcoder."""

from __future__ import annotations

from pathlib import Path

import torch
from interop_files import D_IN, WIDTH, K, rows, run, shake, write_expected
from sparsify import SparseCoder
from sparsify.config import SparseCoderConfig
from torch import Tensor

KINDS = {
    "sae": {},
    "sae_free_norm": {"normalize_decoder": False},
    "transcoder": {"transcode": True},
    "skip_transcoder": {"transcode": True, "skip_connection": True},
    "groupmax": {"activation": "groupmax"},
}


def computed(path: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Code and output of a folder by sparsify."""
    coder = SparseCoder.load_from_disk(path)
    with torch.no_grad():
        values, indices, _ = coder.encode(x)
        code = torch.zeros(len(x), coder.num_latents).scatter_(1, indices, values)
        return code, coder(x).sae_out


def write(folder: Path) -> None:
    """One folder for each kind."""
    torch.manual_seed(0)
    x = rows(D_IN)
    for name, settings in KINDS.items():
        coder = SparseCoder(D_IN, SparseCoderConfig(num_latents=WIDTH, k=K, **settings))
        shake(coder)
        coder.save_to_disk(folder / name)
        write_expected(folder / name, x, *computed(folder / name, x))


if __name__ == "__main__":
    run(write, computed)
