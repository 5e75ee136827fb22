"""SAELens: `cfg.json` and `sae_weights.safetensors`, of version 6 and before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.extract_weights import extracted
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import (
    Activation,
    BatchTopKCode,
    GatedCode,
    PlainWeights,
    PursuitCode,
    ReLUCode,
    ThresholdCode,
    TopKCode,
)
from sparsetime.interop.saelens_config import SAELensConfig, config_of, written_config

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
_EXTRA: dict[str, dict[str, Shape]] = {
    "standard": {"b_enc": ("width",)},
    "topk": {"b_enc": ("width",)},
    "jumprelu": {"b_enc": ("width",), "threshold": ("width",)},
    "batchtopk": {"b_enc": ("width",), "topk_threshold": ()},
    "matryoshka_batchtopk": {"b_enc": ("width",), "topk_threshold": ()},
    "gated": {"b_gate": ("width",), "b_mag": ("width",), "r_mag": ("width",)},
    "transcoder": {"b_enc": ("width",)},
    "skip_transcoder": {"b_enc": ("width",), "W_skip": ("d_out", "d_in")},
    "jumprelu_transcoder": {"b_enc": ("width",), "threshold": ("width",)},
    "jumprelu_skip_transcoder": {
        **{"b_enc": ("width",), "threshold": ("width",)},
        "W_skip": ("d_out", "d_in"),
    },
}
_ONES = "scaling_factor"  # of fine-tuning; saved by some versions, and all ones where unused


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of SAELens."""
    return source.has(CONFIG, WEIGHTS)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a SAELens dictionary. Errors: DataError, ConfigError."""
    config = config_of(source.json(CONFIG), source.where, conventions)
    kind = config.architecture
    out = "d_out" if config.is_transcoder else "d_in"
    has_encoder = kind != "matching_pursuit"
    shapes: dict[str, Shape] = {
        **({"W_enc": ("d_in", "width")} if has_encoder else {}),
        "W_dec": ("width", out),
        "b_dec": (out,),
        **_EXTRA.get(kind, {}),
    }
    stored = source.safetensors(WEIGHTS)
    _check_factor(stored, source.where)
    t = checked_tensors(stored, shapes, source.where, ignored=(_ONES,))
    _check_sizes(config, t, source.where)
    decoder, threshold = t["W_dec"], t.get("threshold")
    encoder = t["W_enc"].T.contiguous() if has_encoder else decoder
    bias = next((t[n] for n in ("b_enc", "b_gate") if n in t), torch.zeros(len(decoder)))
    if not has_encoder and not config.subtracts_offset:
        t["b_dec"] = torch.zeros_like(t["b_dec"])  # the library then leaves it out of the output
    if config.rescaled:
        # What is selected and returned are values times the atoms' lengths: folded into the rows.
        length = decoder.norm(dim=1)
        encoder, bias = encoder * length[:, None], bias * length
        decoder = decoder / length[:, None]
    if config.input_factor != 1:
        encoder = encoder * config.input_factor
        decoder, t["b_dec"] = decoder / config.input_factor, t["b_dec"] / config.input_factor
    if config.reads_centred:
        # W (I - 11'/d) x of the plain stream is W of the centred one; the offset stays as it is.
        centred = encoder - encoder.mean(dim=1, keepdim=True)
        if config.subtracts_offset:
            bias = bias - encoder @ t["b_dec"] + centred @ t["b_dec"]
        encoder = centred
    return PlainWeights(
        encoder=encoder,
        encoder_bias=bias,
        decoder=decoder,
        decoder_bias=t["b_dec"],
        activation=_activation(config, t, threshold),
        subtracts_offset=config.subtracts_offset or not has_encoder,
        is_transcoder=config.is_transcoder,
        skip=t.get("W_skip"),
        groups=config.groups,
        row_norm=config.row_norm,
        provenance=config.provenance,
    )


def write(dictionary: Dictionary, folder: Folder) -> None:
    """Write a dictionary that SAELens reads, of version 6."""
    weights = extracted(dictionary)
    kind, extra = _written_activation(weights)
    tensors = {"W_dec": weights.decoder, "b_dec": weights.decoder_bias, **extra}
    if kind != "matching_pursuit":
        tensors["W_enc"] = weights.encoder.T.contiguous()
        tensors["b_gate" if kind == "gated" else "b_enc"] = weights.encoder_bias
    if weights.skip is not None:
        tensors["W_skip"] = weights.skip
    folder.make()
    folder.write_tensors(WEIGHTS, tensors)
    folder.write_json(CONFIG, written_config(weights, kind))


def _activation(
    config: SAELensConfig, tensors: dict[str, Tensor], threshold: Tensor | None
) -> Activation:
    match config.architecture:
        case "topk":
            return TopKCode(config.k)
        case "batchtopk" | "matryoshka_batchtopk":
            return BatchTopKCode(config.k, float(tensors["topk_threshold"]))
        case "matching_pursuit":
            return PursuitCode(config.k, config.residual_threshold, config.stops_on_repeat)
        case "gated":
            return GatedCode(tensors["r_mag"], tensors["b_mag"], config.l1)
    return ReLUCode(config.l1) if threshold is None else ThresholdCode(threshold)


def _written_activation(weights: PlainWeights) -> tuple[str, dict[str, Tensor]]:
    """The architecture of SAELens that computes the same, and the tensors that it adds."""
    kind, extra = "standard", {}
    match weights.activation:
        case TopKCode():
            kind = "topk"
        case PursuitCode():
            kind = "matching_pursuit"
        case BatchTopKCode(_, threshold):
            kind, extra = "jumprelu", {"threshold": torch.full((weights.width,), threshold)}
        case ThresholdCode(threshold):
            kind, extra = "jumprelu", {"threshold": threshold}
        case GatedCode(log_scale, magnitude_bias):
            kind, extra = "gated", {"r_mag": log_scale, "b_mag": magnitude_bias}
    if not weights.is_transcoder:
        return kind, extra
    if kind not in ("standard", "jumprelu"):
        raise ConfigError(
            f"got a transcoder with the rule {kind!r}, expected ReLU or thresholds, which SAELens "
            f"has for transcoders; its choice of latents ({kind}) would be lost. Write it as "
            "sparsify, or keep it in the format of sparsetime"
        )
    skip = "" if weights.skip is None else "skip_"
    return ("" if kind == "standard" else "jumprelu_") + skip + "transcoder", extra


def _check_factor(stored: dict[str, Tensor], where: str) -> None:
    """Errors: DataError for a factor of fine-tuning that is not 1."""
    factor = stored.get(_ONES, torch.ones(1)).float()
    if not torch.allclose(factor, torch.ones_like(factor)):
        raise DataError(
            f"{where} has a scaling_factor of fine-tuning that is not 1, which changes its output; "
            "multiply W_dec by it in SAELens and save again"
        )


def _check_sizes(config: SAELensConfig, tensors: dict[str, Tensor], where: str) -> None:
    width, d_out = tensors["W_dec"].shape
    d_in = tensors["W_enc"].shape[0] if "W_enc" in tensors else d_out
    sizes: dict[str, Any] = {"d_in": d_in, "d_sae": width}
    for name, size in sizes.items():
        if config.sizes.get(name, size) != size:
            raise DataError(
                f"{where}: {CONFIG} says {name} {config.sizes[name]}, and the weights have "
                f"{size}; the files are not of one dictionary"
            )


register(
    ForeignFormat(
        "saelens", "SAELens", recognises, read, write, "the library's own classes (6.54.12)"
    )
)
