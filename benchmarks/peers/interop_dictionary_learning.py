"""dictionary_learning in a comparison of formats: every class, saved as its trainers save."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from dictionary_learning.dictionary import (
    AutoEncoder,
    AutoEncoderNew,
    GatedAutoEncoder,
    JumpReluAutoEncoder,
)
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
from dictionary_learning.trainers.top_k import AutoEncoderTopK
from dictionary_learning.utils import load_dictionary
from interop_files import D_IN, WIDTH, K, rows, run, shake, write_expected
from torch import Tensor

CLASSES = {
    "AutoEncoder": (AutoEncoder, ()),
    "AutoEncoderNew": (AutoEncoderNew, ()),
    "GatedAutoEncoder": (GatedAutoEncoder, ()),
    "JumpReluAutoEncoder": (JumpReluAutoEncoder, ()),
    "AutoEncoderTopK": (AutoEncoderTopK, (K,)),
    "BatchTopKSAE": (BatchTopKSAE, (K,)),
    "MatryoshkaBatchTopKSAE": (MatryoshkaBatchTopKSAE, (K, [WIDTH // 6, WIDTH // 3, WIDTH // 2])),
}


def computed(path: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Code and output of a folder by dictionary_learning."""
    sae, config = load_dictionary(str(path), "cpu")
    if config["trainer"]["dict_class"] == "AutoEncoder":
        # `from_pretrained` rescales atoms of any length by default, and so the values.
        sae = AutoEncoder.from_pretrained(str(path / "ae.pt"), normalize_decoder=False)
    with torch.no_grad():
        return sae.encode(x), sae(x)


@torch.no_grad()
def write(folder: Path) -> None:
    """One folder for each class."""
    torch.manual_seed(0)
    x = rows(D_IN)
    for name, (kind, settings) in CLASSES.items():
        sae = kind(D_IN, WIDTH, *settings)
        shake(sae)
        if name == "JumpReluAutoEncoder":
            sae.threshold.copy_(torch.rand(WIDTH) - 0.3)
        elif name in ("BatchTopKSAE", "MatryoshkaBatchTopKSAE"):
            sae.threshold.fill_(0.8371)
        path = folder / name
        path.mkdir(parents=True)
        torch.save(sae.state_dict(), path / "ae.pt")
        trainer = {"dict_class": name, "activation_dim": D_IN, "dict_size": WIDTH}
        if K in settings:
            trainer["k"] = K
        (path / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": {}}))
        write_expected(path, x, *computed(path, x))


if __name__ == "__main__":
    run(write, computed)
