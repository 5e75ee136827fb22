"""Dictionaries that other libraries wrote, with what they compute: see benchmarks/peers."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

GOLDEN = Path(__file__).parent / "golden"
FORMATS = {
    "sae_lens": ("saelens", "sae_weights.safetensors"),
    "dictionary_learning": ("dictionary_learning", "ae.pt"),
    "sparsify": ("sparsify", "sae.safetensors"),
    "circuit_tracer": ("circuit_tracer", "layer_3.safetensors"),
    "llamascopium": ("", ""),
    "loaders": ("", ""),  # formats that are only read, by the format's name
}
REFUSED = {"sparsify/groupmax"}
FOLDED = {"sae_lens/topk_rescaled", "sae_lens/batchtopk_checkpoint"}
FOLDED |= {"sae_lens/matryoshka_checkpoint"}
FOLDED |= {f"sae_lens/{n}" for n in ("standard_layer_norm", "topk_layer_norm")}
FOLDED |= {"sae_lens/standard_constant_norm"}


def names():
    """Paths below `golden/` of all dictionaries."""
    found = GOLDEN.glob("*/**/expected.st")
    return sorted(str(path.parent.relative_to(GOLDEN)) for path in found)


def readable():
    """Those that are read."""
    return [name for name in names() if name not in REFUSED]


def writable():
    """Those whose format is written too."""
    written = [name for name in readable() if FORMATS[name.split("/")[0]][0]]
    return [name for name in written if "cross_layer" not in name and "clt" not in name]


def expected(name):
    """Rows, codes and outputs, as the library computed them."""
    return load_file(GOLDEN / name / "expected.st")


def tensors_of(folder, weights):
    """The tensors of a file of weights, as they are."""
    if weights.endswith(".pt"):
        return torch.load(folder / weights, weights_only=True)
    return load_file(folder / weights)


def saelens(folder, tensors, **config):
    """Write a folder as SAELens does."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.contiguous() for n, t in tensors.items()}, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps(config))
    return folder


def random_tensors(d=4, width=6, seed=0, **more):
    """Tensors of a standard SAE of SAELens."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "W_enc": torch.randn(d, width, generator=generator),
        "b_enc": torch.randn(width, generator=generator),
        "W_dec": torch.randn(width, d, generator=generator),
        "b_dec": torch.randn(d, generator=generator),
        **more,
    }
