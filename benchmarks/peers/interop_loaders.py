"""Formats that SAELens converts from: files of random weights, and what its loaders make of them.

Runs in SAELens's environment. Its loaders download from the hub; here they get files of a folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from interop_files import D_IN, WIDTH, rows, run, write_expected
from sae_lens import SAE
from sae_lens.loading import pretrained_sae_loaders as loaders
from safetensors.torch import save_file
from torch import Tensor


def local(root: Path) -> None:
    """Have the loaders read files below a folder."""

    def found(repo_id: str, filename: str, subfolder: str | None = None, **_: Any) -> str:
        del repo_id
        return str(root / (subfolder or "") / filename)

    loaders.hf_hub_download = found
    loaders.get_safetensors_tensor_shapes = lambda _, name: {
        key: list(tensor.shape)
        for key, tensor in loaders.load_safetensors_weights(root / name).items()
    }


def sae_of(config: dict[str, Any], state: dict[str, Tensor]) -> Any:
    """The dictionary of a loader's config and weights, as `SAE.from_pretrained` makes it."""
    config = loaders.handle_config_defaulting(config)
    sae = SAE.from_dict(config)
    sae.process_state_dict_for_loading(state)
    sae.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return sae


def weights(out: int = D_IN) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return {
        "W_enc": random(D_IN, WIDTH) * 0.3,
        "b_enc": random(WIDTH) * 0.1,
        "W_dec": random(WIDTH, out) * 0.3,
        "b_dec": random(out) * 0.1,
        "threshold": torch.rand(WIDTH, generator=generator) * 0.5,
        "skip": random(D_IN, out) * 0.1,
    }


def put(folder: Path, tensors: dict[str, Tensor], name: str, config: Any = None) -> None:
    folder.mkdir(parents=True)
    if name.endswith(".npz"):
        np.savez(folder / name, **{key: tensor.numpy() for key, tensor in tensors.items()})
    elif name.endswith(".pt"):
        torch.save(tensors, folder / name)
    else:
        (folder / name).parent.mkdir(exist_ok=True)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / name)
    if config is not None:
        (folder / ("hyperparams.json" if "final" in name else "config.json")).write_text(
            json.dumps(config)
        )


@torch.no_grad()
def write(root: Path) -> None:
    """A folder for each format and kind."""
    local(root)
    x = rows(D_IN)
    w = weights()
    five = {key: w[key] for key in ("W_enc", "b_enc", "W_dec", "b_dec", "threshold")}
    lower = {key.lower() if key.startswith("W") else key: tensor for key, tensor in five.items()}
    # Its loaders look the size up by the address, and then in the weights: the sizes of the config
    # are replaced by those of the small files.
    small = {"d_in": D_IN, "d_sae": WIDTH}

    name = "gemma_scope/gemma-scope-2b-pt-res/layer_1/width_16k/average_l0_71"
    put(root / name, five, "params.npz")
    config, state, _ = loaders.gemma_2_sae_huggingface_loader("google/gemma-scope-2b-pt-res", name)
    expect(root / name, x, sae_of(config | small, state))

    name = "gemma_scope/gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6"
    put(root / name, five, "params.npz")
    # Its factor is the root of the model's size; that of the file is asked for.
    config, state, _ = loaders.gemma_2_sae_huggingface_loader(
        "google/gemma-scope-2b-pt-res", name, cfg_overrides=small
    )
    expect(root / name, x, sae_of(config, state))

    name = "gemma_scope/gemma-scope-2b-pt-transcoders/layer_1/width_16k/average_l0_5"
    put(root / name, lower, "params.npz")
    config, state, _ = loaders.gemma_2_transcoder_huggingface_loader(
        "google/gemma-scope-2b-pt-transcoders", name
    )
    expect(root / name, x, sae_of(config | small | {"d_out": D_IN}, state))

    about = {"architecture": "jump_relu", "model_name": "gemma-v3-1b-pt"}
    site = {"hf_hook_point_in": "model.layers.1.output"}
    name = "gemma_scope_2/resid_post/layer_1_width_16k_l0_small"
    put(root / name, lower, "params.safetensors", about | site)
    expect(root / name, x, third(name))
    sites = {
        "hf_hook_point_in": "model.layers.1.pre_feedforward_layernorm.output",
        "hf_hook_point_out": "model.layers.1.post_feedforward_layernorm.output",
    }
    name = "gemma_scope_2/transcoder/layer_1_width_16k_l0_small"
    put(root / name, lower, "params.safetensors", about | sites | {"affine_connection": False})
    expect(root / name, x, third(name))
    name = "gemma_scope_2/transcoder/layer_1_width_16k_l0_small_affine"
    skip = {"affine_skip_connection": w["skip"]}
    put(
        root / name, lower | skip, "params.safetensors", about | sites | {"affine_connection": True}
    )
    expect(root / name, x, third(name))

    by_layer = {
        "encoder.weight": w["W_enc"].T,
        "encoder.bias": w["b_enc"],
        "decoder.weight": w["W_dec"].T,
        "decoder.bias": w["b_dec"],
    }
    name = "llama_scope/Llama3_1-8B-Base-L1R-8x"
    hyper = {
        "d_model": D_IN,
        "d_sae": WIDTH,
        "hook_point_in": "blocks.1.hook_resid_post",
        "jump_relu_threshold": 0.4,
        "dataset_average_activation_norm": {"in": 3.0},
    }
    put(root / name, by_layer, "checkpoints/final.safetensors", hyper)
    config, state, _ = loaders.llama_scope_sae_huggingface_loader(
        "fnlp/Llama3_1-8B-Base-LXR-8x", name, cfg_overrides={"dtype": "float32"}
    )
    sae = sae_of(config, state)
    sae.fold_activation_norm_scaling_factor(D_IN**0.5 / 3.0)
    expect(root / name, x, sae)

    name = "goodfire/Llama-3.1-8B-Instruct-SAE-l19"
    goodfire = {
        "encoder_linear.weight": w["W_enc"].T.contiguous(),
        "encoder_linear.bias": w["b_enc"],
        "decoder_linear.weight": w["W_dec"].T.contiguous(),
        "decoder_linear.bias": w["b_dec"],
    }
    put(root / name, goodfire, "sae.pt")
    loaders.get_goodfire_config_from_hf = lambda *_, **__: {
        "architecture": "standard",
        "apply_b_dec_to_input": False,
        "dtype": "float32",
        **small,
    }
    config, state, _ = loaders.get_goodfire_huggingface_loader("Goodfire/x", f"{name}/sae.pt")
    expect(root / name, x, sae_of(config, state))


def third(name: str) -> Any:
    config, state, _ = loaders.gemma_3_sae_huggingface_loader("google/gemma-scope-2-1b-pt", name)
    return sae_of(config, state)


def expect(folder: Path, x: Tensor, sae: Any) -> None:
    write_expected(folder, x, sae.encode(x), sae(x))


if __name__ == "__main__":
    run(write, lambda _, x: (x, x))
