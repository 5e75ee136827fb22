"""Gemma Scope: `params.npz` of a JumpReLU SAE or transcoder of Gemma 2."""

from __future__ import annotations

import re
from typing import Any

from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import PlainWeights, ThresholdCode

WEIGHTS = "params.npz"
_HOOKS = {"res": "hook_resid_post", "mlp": "hook_mlp_out", "att": "attn.hook_z"}


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the one file of Gemma Scope."""
    return source.has(WEIGHTS)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a Gemma Scope dictionary. Errors: DataError, ConfigError.

    The file names neither site nor kind, which the address does: a repository of transcoders has
    the word in its name, and SAEs of the embedding a folder with that name.
    """
    address = source.folder.url
    reason = "the file does not say; by its address"
    is_transcoder = conventions.settle("is_transcoder", "transcoder" in address, reason)
    is_embedding = conventions.settle("is_embedding", "embedding" in address, reason)
    out = "d_out" if is_transcoder else "d_in"
    shapes: dict[str, Shape] = {
        "W_enc": ("d_in", "width"),
        "b_enc": ("width",),
        "W_dec": ("width", out),
        "b_dec": (out,),
        "threshold": ("width",),
    }
    stored = source.npz(WEIGHTS)
    stored = {f"W_{n[2:]}" if n.startswith("w_") else n: t for n, t in stored.items()}
    t = checked_tensors(stored, shapes, source.where)
    encoder, decoder = t["W_enc"].T.contiguous(), t["W_dec"]
    if is_embedding:
        # They were trained on the embedding without Gemma's factor of sqrt(d).
        root = encoder.shape[1] ** 0.5
        encoder, decoder = encoder / root, decoder * root
    return PlainWeights(
        encoder=encoder,
        encoder_bias=t["b_enc"],
        decoder=decoder,
        decoder_bias=t["b_dec"],
        activation=ThresholdCode(t["threshold"]),
        subtracts_offset=False,
        is_transcoder=is_transcoder,
        provenance=_provenance(address, is_transcoder, is_embedding),
    )


def _provenance(address: str, is_transcoder: bool, is_embedding: bool) -> dict[str, Any]:
    known: dict[str, Any] = {"library": "Gemma Scope"}
    size = re.search(r"gemma-scope-(\d+b)-(pt|it)(?:-(res|mlp|att))?", address)
    layer = re.search(r"layer_(\d+)", address)
    if size is not None:
        suffix = "-it" if size[2] == "it" else ""
        known["model_name"] = f"google/gemma-2-{size[1]}{suffix}"
    if is_embedding:
        known["hook"] = "hook_embed"
    elif layer is not None and is_transcoder:
        known["hook"] = f"blocks.{layer[1]}.ln2.hook_normalized"
        known["hook_out"] = f"blocks.{layer[1]}.hook_mlp_out"
    elif layer is not None and size is not None and size[3]:
        known["hook"] = f"blocks.{layer[1]}.{_HOOKS[size[3]]}"
    return known


register(
    ForeignFormat(
        "gemma_scope", "Gemma Scope", recognises, read, None, "the loader of SAELens (6.54.12)"
    )
)
