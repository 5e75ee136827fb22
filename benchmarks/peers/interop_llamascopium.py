"""Llamascopium in a comparison of formats: ReLU, JumpReLU and TopK, SAE and transcoder."""

from __future__ import annotations

from pathlib import Path

import torch
from interop_files import D_IN, WIDTH, K, rows, run, shake, write_expected
from llamascopium.models.sae import SAEConfig, SparseAutoEncoder
from torch import Tensor

HOOKS = ("blocks.1.hook_resid_post", "blocks.1.hook_mlp_out")
KINDS = {
    "relu": {},
    "jumprelu": {"act_fn": "jumprelu"},
    "jumprelu_plain": {"act_fn": "jumprelu", "sparsity_include_decoder_norm": False},
    "topk": {"act_fn": "topk", "top_k": K},
    "topk_plain": {"act_fn": "topk", "top_k": K, "sparsity_include_decoder_norm": False},
    "transcoder": {"act_fn": "jumprelu", "hook_point_out": HOOKS[1]},
    "inference": {"act_fn": "jumprelu", "norm_activation": "inference"},
}


@torch.no_grad()
def write(folder: Path) -> None:
    """One folder for each kind."""
    x = rows(D_IN)
    for name, settings in KINDS.items():
        hooks = {"hook_point_in": HOOKS[0], "hook_point_out": HOOKS[0]}
        config = SAEConfig(
            d_model=D_IN, expansion_factor=WIDTH / D_IN, dtype=torch.float32, device="cpu",
            **({"act_fn": "relu"} | hooks | settings),
        )  # fmt: skip
        sae = SparseAutoEncoder(config)
        for parameter in sae.parameters():
            parameter.zero_()
        shake(sae)
        if config.act_fn == "jumprelu":
            sae.activation_function.log_jumprelu_threshold.sub_(1.0)
        sae.set_dataset_average_activation_norm({HOOKS[0]: 2.5, HOOKS[1]: 0.8})
        path = folder / name
        path.mkdir(parents=True)
        sae.save_pretrained(str(path))
        sae.cfg.save_hyperparameters(str(path))
        seen = sae.normalize_activations({config.hook_point_in: x})[config.hook_point_in]
        factor = sae.compute_norm_factor(x, config.hook_point_out)
        code = sae.encode(seen)
        write_expected(path, x, code, sae.decode(code) / factor)


def computed(path: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Nothing is written in this format."""
    raise NotImplementedError(path, x)


if __name__ == "__main__":
    run(write, computed)
