"""SAELens in a comparison of formats: every architecture saved by its own class."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from interop_files import D_IN, D_OUT, WIDTH, K, rows, run, shake, write_expected
from sae_lens import (
    SAE,
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    GatedSAE,
    GatedSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    JumpReLUSkipTranscoder,
    JumpReLUSkipTranscoderConfig,
    JumpReLUTranscoder,
    JumpReLUTranscoderConfig,
    MatryoshkaBatchTopKTrainingSAE,
    MatryoshkaBatchTopKTrainingSAEConfig,
    SkipTranscoder,
    SkipTranscoderConfig,
    StandardSAE,
    StandardSAEConfig,
    TopKSAE,
    TopKSAEConfig,
    Transcoder,
    TranscoderConfig,
)
from sae_lens.saes.matching_pursuit_sae import MatchingPursuitSAE, MatchingPursuitSAEConfig
from torch import Tensor

SIZES = {"d_in": D_IN, "d_sae": WIDTH}
ACROSS = {**SIZES, "d_out": D_OUT, "apply_b_dec_to_input": False}
ARCHITECTURES = {
    "standard": (StandardSAE, StandardSAEConfig, SIZES),
    "standard_uncentred": (
        StandardSAE,
        StandardSAEConfig,
        {**SIZES, "apply_b_dec_to_input": False},
    ),
    "gated": (GatedSAE, GatedSAEConfig, SIZES),
    "gated_uncentred": (GatedSAE, GatedSAEConfig, {**SIZES, "apply_b_dec_to_input": False}),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, SIZES),
    "jumprelu_uncentred": (
        JumpReLUSAE,
        JumpReLUSAEConfig,
        {**SIZES, "apply_b_dec_to_input": False},
    ),
    "topk": (TopKSAE, TopKSAEConfig, {**SIZES, "k": K}),
    "topk_rescaled": (
        TopKSAE,
        TopKSAEConfig,
        {**SIZES, "k": K, "rescale_acts_by_decoder_norm": True},
    ),
    "matching_pursuit": (
        MatchingPursuitSAE,
        MatchingPursuitSAEConfig,
        {**SIZES, "max_iterations": K},
    ),
    "transcoder": (Transcoder, TranscoderConfig, ACROSS),
    "skip_transcoder": (SkipTranscoder, SkipTranscoderConfig, ACROSS),
    "jumprelu_transcoder": (JumpReLUTranscoder, JumpReLUTranscoderConfig, ACROSS),
    "jumprelu_skip_transcoder": (JumpReLUSkipTranscoder, JumpReLUSkipTranscoderConfig, ACROSS),
    "standard_layer_norm": (
        StandardSAE,
        StandardSAEConfig,
        {**SIZES, "normalize_activations": "layer_norm"},
    ),
    "topk_layer_norm": (
        TopKSAE,
        TopKSAEConfig,
        {**SIZES, "k": K, "normalize_activations": "layer_norm"},
    ),
    "standard_constant_norm": (
        StandardSAE,
        StandardSAEConfig,
        {**SIZES, "normalize_activations": "constant_norm_rescale"},
    ),
}
# Saved for inference, they are JumpReLU dictionaries; their checkpoints are not.
TRAINING = {
    "batchtopk": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig, {**SIZES, "k": K}),
    "matryoshka": (
        MatryoshkaBatchTopKTrainingSAE,
        MatryoshkaBatchTopKTrainingSAEConfig,
        {**SIZES, "k": K, "matryoshka_widths": [WIDTH // 6, WIDTH // 2, WIDTH]},
    ),
}


def computed(path: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Code and output of a folder by SAELens."""
    sae = SAE.load_from_disk(path)
    with torch.no_grad():
        return sae.encode(x), sae(x)


@torch.no_grad()
def write(folder: Path) -> None:
    """One folder for each architecture."""
    torch.manual_seed(0)
    x = rows(D_IN)
    for name, (kind, config, settings) in ARCHITECTURES.items():
        sae = kind(config(**settings))
        shake(sae)
        if "threshold" in dict(sae.named_parameters()):
            sae.threshold.copy_(torch.rand(WIDTH) - 0.3)  # some are below 0
        if name == "matching_pursuit":
            sae.W_dec.div_(sae.W_dec.norm(dim=1, keepdim=True))
        sae.save_model(folder / name)
        write_expected(folder / name, x, sae.encode(x), sae(x))
    for name, (kind, config, settings) in TRAINING.items():
        sae = kind(config(**settings))
        shake(sae)
        sae.topk_threshold.fill_(0.8371)
        sae.save_inference_model(folder / name)
        write_expected(folder / name, x, *computed(folder / name, x))
        # The checkpoint of a training; in use it is what its inference file computes.
        sae.save_model(folder / f"{name}_checkpoint")
        write_expected(folder / f"{name}_checkpoint", x, *computed(folder / name, x))
    # The architecture was not written at first, nor whether the bias is subtracted; its reader
    # fills them in.
    write_old(folder, "standard", x)
    write_old(folder, "gated", x, architecture="gated", apply_b_dec_to_input=True)
    write_old(folder, "jumprelu_uncentred", x, architecture="jumprelu", apply_b_dec_to_input=False)
    top = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": K}}
    write_old(folder, "topk", x, architecture="standard", **top)


def write_old(folder: Path, name: str, x: Tensor, **flat: Any) -> None:
    """The same weights with a flat config, as versions before 6 wrote it."""
    old = folder / f"{name}_before_6"
    shutil.copytree(folder / name, old)
    config = {
        "model_name": "gpt2",
        "hook_name": "blocks.1.hook_resid_pre",
        "d_in": D_IN,
        "d_sae": WIDTH,
        "dtype": "float32",
        "device": "cpu",
        "activation_fn_str": "relu",
        "normalize_activations": False,
        **flat,
    }
    (old / "cfg.json").write_text(json.dumps(config))
    write_expected(old, x, *computed(old, x))


if __name__ == "__main__":
    run(write, computed)
