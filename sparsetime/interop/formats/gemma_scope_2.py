"""Gemma Scope 2: `config.json` and `params.safetensors` of a JumpReLU SAE or transcoder."""

from __future__ import annotations

from typing import Any

from sparsetime.errors import ConfigError
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import PlainWeights, ThresholdCode

CONFIG, WEIGHTS = "config.json", "params.safetensors"
SKIP = "affine_skip_connection"


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of Gemma Scope 2."""
    return source.has(CONFIG, WEIGHTS)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a Gemma Scope 2 dictionary. Errors: DataError, ConfigError."""
    config = source.json(CONFIG)
    if config.get("architecture") != "jump_relu":
        raise ConfigError(
            f"{source.where}: got the architecture {config.get('architecture')!r} of Gemma Scope "
            "2, expected 'jump_relu'; wrap its encode and decode with sparsetime.adopt"
        )
    is_transcoder = conventions.state("is_transcoder", bool(config.get("hf_hook_point_out")))
    out = "d_out" if is_transcoder else "d_in"
    shapes: dict[str, Shape] = {
        "w_enc": ("d_in", "width"),
        "b_enc": ("width",),
        "w_dec": ("width", out),
        "b_dec": (out,),
        "threshold": ("width",),
        SKIP: ("d_in", out),
    }
    optional = () if config.get("affine_connection") is True else (SKIP,)
    t = checked_tensors(source.safetensors(WEIGHTS), shapes, source.where, optional)
    names: dict[str, Any] = {
        "library": "Gemma Scope 2",
        "model_name": config.get("model_name"),
        "hook": config.get("hf_hook_point_in"),
        "hook_out": config.get("hf_hook_point_out"),
    }
    return PlainWeights(
        encoder=t["w_enc"].T.contiguous(),
        encoder_bias=t["b_enc"],
        decoder=t["w_dec"],
        decoder_bias=t["b_dec"],
        activation=ThresholdCode(t["threshold"]),
        subtracts_offset=False,
        is_transcoder=is_transcoder,
        skip=t[SKIP].T.contiguous() if SKIP in t else None,
        provenance={name: value for name, value in names.items() if value is not None},
    )


register(
    ForeignFormat(
        "gemma_scope_2", "Gemma Scope 2", recognises, read, None, "the loader of SAELens (6.54.12)"
    )
)
