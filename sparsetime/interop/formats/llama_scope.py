"""Llama Scope: `hyperparams.json` and `checkpoints/final.safetensors` of a JumpReLU SAE."""

from __future__ import annotations

from typing import Any

import torch

from sparsetime.errors import DataError
from sparsetime.interop.config_values import finite_number
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import PlainWeights, ThresholdCode

CONFIG, FOLDER, WEIGHTS = "hyperparams.json", "checkpoints", "final.safetensors"
_SHAPES: dict[str, Shape] = {
    "encoder.weight": ("width", "d"),
    "encoder.bias": ("width",),
    "decoder.weight": ("d", "width"),
    "decoder.bias": ("d",),
}


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of Llama Scope."""
    return source.has(CONFIG, FOLDER)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a Llama Scope SAE, with its input factor in them. Errors: DataError.

    factor a = sqrt(d) / mean norm of activations
    W_e <- a W_e;   w <- w / a;   b_d <- b_d / a;   threshold <- a threshold
    """
    config = source.json(CONFIG)
    norms = config.get("dataset_average_activation_norm")
    norm = finite_number(norms.get("in") if isinstance(norms, dict) else None)
    threshold = finite_number(config.get("jump_relu_threshold"))
    if norm is None or norm <= 0 or threshold is None:
        raise DataError(
            f"{source.where}/{CONFIG}: got dataset_average_activation_norm={norms!r} and "
            f"jump_relu_threshold={config.get('jump_relu_threshold')!r}, expected a mean norm "
            "above 0 under 'in', and a number"
        )
    path = f"{FOLDER}/{WEIGHTS}"
    t = checked_tensors(source.safetensors(path), _SHAPES, source.where)
    width, d = t["encoder.weight"].shape
    factor = d**0.5 / norm
    names: dict[str, Any] = {
        "library": "Llama Scope",
        "model_name": config.get("model_name", "meta-llama/Llama-3.1-8B"),
        "hook": config.get("hook_point_in"),
    }
    return PlainWeights(
        encoder=t["encoder.weight"] * factor,
        encoder_bias=t["encoder.bias"],
        decoder=(t["decoder.weight"] / factor).T.contiguous(),
        decoder_bias=t["decoder.bias"] / factor,
        activation=ThresholdCode(torch.full((width,), threshold * factor)),
        subtracts_offset=conventions.state("subtracts_offset", value=False),
        provenance={name: value for name, value in names.items() if value is not None},
    )


register(
    ForeignFormat(
        "llama_scope", "Llama Scope", recognises, read, None, "the loader of SAELens (6.54.12)"
    )
)
