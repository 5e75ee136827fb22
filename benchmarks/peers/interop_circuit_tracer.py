"""circuit-tracer in a comparison of formats: the transcoder of one layer, with and without skip."""

from __future__ import annotations

from pathlib import Path

import torch
from circuit_tracer.transcoder.activation_functions import JumpReLU
from circuit_tracer.transcoder.cross_layer_transcoder import CrossLayerTranscoder
from circuit_tracer.transcoder.single_layer_transcoder import (
    SingleLayerTranscoder,
    load_relu_transcoder,
)
from interop_files import D_IN, WIDTH, rows, run, shake, write_expected
from torch import Tensor


def computed(path: Path, x: Tensor) -> tuple[Tensor, Tensor]:
    """Code and output of the file in a folder by circuit-tracer."""
    (file,) = path.glob("layer_*.safetensors")
    coder = load_relu_transcoder(str(file), 0, device=torch.device("cpu"))
    with torch.no_grad():
        return coder.encode(x), coder(x)


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
        code = clt.encode(layers)
        output = clt.decode(code)
        joined = [t.transpose(0, 1).flatten(1) for t in (layers, code, output)]
        write_expected(path, *joined)


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
