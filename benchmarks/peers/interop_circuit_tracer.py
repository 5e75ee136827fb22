"""circuit-tracer in a comparison of formats: transcoders of one layer, and across layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from circuit_tracer.transcoder.activation_functions import JumpReLU
from circuit_tracer.transcoder.cross_layer_transcoder import (
    CrossLayerTranscoder,
    load_clt,
    load_gemma_scope_2_clt,
)
from circuit_tracer.transcoder.single_layer_transcoder import (
    SingleLayerTranscoder,
    load_relu_transcoder,
)
from interop_files import D_IN, WIDTH, rows, run, shake, write_expected
from safetensors.torch import save_file
from torch import Tensor


def computed(path: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Code and output of the files in a folder by circuit-tracer."""
    if (path / "W_enc_0.safetensors").exists():
        clt = load_clt(
            str(path), device=torch.device("cpu"), dtype=torch.float32, lazy_decoder=False
        )
        return of_layers(clt, torch.stack(x.chunk(clt.n_layers, 1)))[1:]
    (file,) = path.glob("layer_*.safetensors")
    coder = load_relu_transcoder(str(file), 0, device=torch.device("cpu"))
    with torch.no_grad():
        return coder.encode(x), coder(x)


@torch.no_grad()
def of_layers(clt: Any, layers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, codes and outputs of all layers, side by side; layers: [layers, rows, d]."""
    code = clt.encode(layers)
    output = clt.decode(code, layers)
    x, code, output = (t.transpose(0, 1).flatten(1) for t in (layers, code, output))
    return x, code, output


@torch.no_grad()
def write_cross_layer(folder: Path, x: Tensor) -> None:
    """Cross-layer transcoders of three layers, whose inputs and outputs stand side by side."""
    layers = torch.stack([x, x.flip(0) * 0.7, x.roll(3, 0) * 1.3])
    for name in ("relu", "jump_relu"):
        clt = CrossLayerTranscoder(
            3, WIDTH // 3, D_IN, activation_function=name, lazy_decoder=False,
            device=torch.device("cpu"), dtype=torch.float32,
        )  # fmt: skip
        shake(clt)
        if name == "jump_relu":
            clt.activation_function.threshold.abs_()
        path = folder / f"cross_layer_{name}"
        clt.to_safetensors(str(path))
        write_expected(path, *of_layers(clt, layers))
    for skip in (False, True):
        write_gemma_scope_2(folder / f"gemma_scope_2_clt{'_affine' * skip}", layers, skip)


def write_gemma_scope_2(path: Path, layers: Tensor, skip: bool) -> None:
    """A cross-layer transcoder in the files of Gemma Scope 2, as circuit-tracer reads them."""
    count, d, width = len(layers), D_IN, WIDTH // 3
    generator = torch.Generator().manual_seed(4)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.3

    path.mkdir(parents=True)
    files = {}
    for number in range(count):
        tensors = {
            "w_enc": random(d, width),
            "b_enc": random(width),
            "w_dec": random(width, count, d),
            "b_dec": random(d),
            "threshold": random(width).abs(),
        }
        tensors["w_dec"][:, :number] = 0
        if skip:
            tensors["affine_skip_connection"] = random(d, d)
        files[number] = str(path / f"params_layer_{number}.safetensors")
        save_file(tensors, files[number])
    # It leaves out the layer of the largest number: one more is named.
    clt = load_gemma_scope_2_clt(
        files | {count: ""}, device=torch.device("cpu"), dtype=torch.float32
    )
    write_expected(path, *of_layers(clt, layers))


@torch.no_grad()
def write(folder: Path) -> None:
    """One folder for each kind."""
    x = rows(D_IN)
    write_cross_layer(folder, x)
    threshold = torch.rand(WIDTH, generator=torch.Generator().manual_seed(2)) * 0.5
    for name in ("relu", "jumprelu"):
        for skip in (False, True):
            activation = JumpReLU(threshold.clone(), 0.1) if name == "jumprelu" else torch.relu
            path = folder / (f"{name}_skip" if skip else name)
            path.mkdir(parents=True)
            coder = SingleLayerTranscoder(
                D_IN, WIDTH, activation, 3, skip, device=torch.device("cpu"), dtype=torch.float32
            )
            shake(coder)
            if name == "jumprelu":
                coder.activation_function.threshold.copy_(threshold)
            coder.to_safetensors(str(path / "layer_3.safetensors"))
            (path / "config.yaml").write_text(
                "model_kind: transcoder_set\nmodel_name: google/gemma-2-2b\n"
                "feature_input_hook: mlp.hook_in\nfeature_output_hook: hook_mlp_out\n"
            )
            write_expected(path, x, *computed(path, x))


if __name__ == "__main__":
    run(write, computed)
