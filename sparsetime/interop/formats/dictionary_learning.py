"""dictionary_learning: `ae.pt` and `config.json`, of all its trainers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder
from sparsetime.files.torch_file import torch_file_bytes
from sparsetime.interop.config_values import finite_number
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

CONFIG, WEIGHTS = "config.json", "ae.pt"
_ENCODER: dict[str, Shape] = {"encoder.weight": ("width", "d"), "decoder.weight": ("d", "width")}
_MATRICES: dict[str, Shape] = {
    "W_enc": ("d", "width"),
    "b_enc": ("width",),
    "W_dec": ("width", "d"),
    "b_dec": ("d",),
}
_BIASED: dict[str, Shape] = {**_ENCODER, "encoder.bias": ("width",)}
_TOP: dict[str, Shape] = {**_BIASED, "b_dec": ("d",), "k": (), "threshold": ()}
_GATED: dict[str, Shape] = {
    **_ENCODER,
    "decoder_bias": ("d",),
    "r_mag": ("width",),
    "gate_bias": ("width",),
    "mag_bias": ("width",),
}
# By class of the library, in which the trainers keep their dictionaries.
_SHAPES: dict[str, dict[str, Shape]] = {
    "AutoEncoder": {**_BIASED, "bias": ("d",)},
    "AutoEncoderNew": {**_BIASED, "decoder.bias": ("d",)},
    "AutoEncoderTopK": _TOP,
    "BatchTopKSAE": _TOP,
    "GatedAutoEncoder": _GATED,
    "JumpReluAutoEncoder": {**_MATRICES, "threshold": ("width",)},
    "MatryoshkaBatchTopKSAE": {**_MATRICES, "k": (), "threshold": (), "group_sizes": ("groups",)},
}
_OPTIONAL = ("threshold",)  # earlier versions of the top-k classes had none
_UNCENTRED = ("AutoEncoderNew", "JumpReluAutoEncoder")  # their encode subtracts no bias
_PENALTIES = ("l1_penalty", "sparsity_penalty")


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of a trainer."""
    return source.has(CONFIG, WEIGHTS)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a dictionary of dictionary_learning. Errors: DataError, ConfigError."""
    config = source.json(CONFIG)
    trainer = config.get("trainer")
    if not isinstance(trainer, dict) or not isinstance(trainer.get("dict_class"), str):
        raise DataError(f"{source.where}/{CONFIG} has no trainer.dict_class, so its class is open")
    kind = trainer["dict_class"]
    if kind not in _SHAPES:
        raise ConfigError(
            f"{source.where}: got the class {kind!r} of dictionary_learning, expected one of "
            f"{', '.join(_SHAPES)}; wrap its encode and decode with sparsetime.adopt"
        )
    optional = _OPTIONAL if kind in ("AutoEncoderTopK", "BatchTopKSAE") else ()
    t = checked_tensors(source.pt(WEIGHTS), _SHAPES[kind], source.where, optional)
    if "W_enc" in t:
        encoder, decoder = t["W_enc"].T.contiguous(), t["W_dec"]
    else:
        encoder, decoder = t["encoder.weight"], t["decoder.weight"].T.contiguous()
    if not t.keys().isdisjoint({"encoder.bias", "b_enc"}):
        encoder_bias = t["encoder.bias"] if "encoder.bias" in t else t["b_enc"]
    else:
        encoder_bias = t["gate_bias"]
    names = ("bias", "b_dec", "decoder_bias", "decoder.bias")
    groups = t["group_sizes"].cumsum(0).int().tolist() if "group_sizes" in t else None
    return PlainWeights(
        encoder=encoder,
        encoder_bias=encoder_bias,
        decoder=decoder,
        decoder_bias=next(t[name] for name in names if name in t),
        activation=_activation(kind, t, trainer, conventions),
        subtracts_offset=conventions.state("subtracts_offset", kind not in _UNCENTRED),
        groups=None if groups is None or len(groups) < 2 else tuple(groups),
        provenance=_provenance(trainer),
    )


def write(dictionary: Dictionary, folder: Folder) -> None:
    """Write a dictionary that `utils.load_dictionary` of dictionary_learning opens.

    Its classes subtract the offset or not; where the dictionary does otherwise, the encoder's bias
    takes the difference.

    Errors: ConfigError for a transcoder or a combination that the library has no class for.
    """
    weights = extracted(dictionary)
    kind, _ = _written(weights)
    weights = weights.with_offset(kind not in _UNCENTRED)
    extra = _written(weights)[1]
    lost = []
    if weights.is_transcoder:
        lost.append("the site that is reconstructed, since the library has no transcoders")
    if weights.row_norm is not None:
        lost.append(f"the normalisation of every row ({weights.row_norm})")
    if weights.groups is not None and kind != "MatryoshkaBatchTopKSAE":
        lost.append("the nested groups of latents")
    if lost:
        raise ConfigError(
            f"got a dictionary that dictionary_learning would hold as {kind}; would be lost: "
            f"{'; '.join(lost)}. Write it as SAELens, or keep it in the format of sparsetime"
        )
    if "W_enc" in _SHAPES[kind]:
        tensors = {
            "W_enc": weights.encoder.T,
            "b_enc": weights.encoder_bias,
            "W_dec": weights.decoder,
            "b_dec": weights.decoder_bias,
        }
    else:
        bias = {"AutoEncoder": "bias", "GatedAutoEncoder": "decoder_bias"}.get(kind, "b_dec")
        tensors = {
            "encoder.weight": weights.encoder,
            "decoder.weight": weights.decoder.T,
            "decoder.bias" if kind == "AutoEncoderNew" else bias: weights.decoder_bias,
            "gate_bias" if kind == "GatedAutoEncoder" else "encoder.bias": weights.encoder_bias,
        }
    folder.make()
    folder.write_bytes(
        WEIGHTS, torch_file_bytes({name: t.contiguous() for name, t in (tensors | extra).items()})
    )
    origin = weights.provenance
    trainer: dict[str, Any] = {
        "dict_class": kind,
        "activation_dim": weights.d_in,
        "dict_size": weights.width,
        "lm_name": origin.get("model_name"),
        "submodule_name": origin.get("site") or origin.get("hook"),
    }
    if isinstance(weights.activation, TopKCode | BatchTopKCode):
        trainer["k"] = weights.activation.k
    folder.write_json(CONFIG, {"trainer": trainer, "buffer": {}})


def _activation(
    kind: str, t: dict[str, Tensor], trainer: dict[str, Any], conventions: Conventions
) -> Activation:
    penalties = (finite_number(trainer.get(name)) for name in _PENALTIES)
    l1 = next((weight for weight in penalties if weight is not None), None)
    match kind:
        case "AutoEncoderTopK":
            return TopKCode(int(t["k"]))  # its threshold is only for `encode(use_threshold=True)`
        case "BatchTopKSAE" | "MatryoshkaBatchTopKSAE":
            threshold = float(t["threshold"]) if "threshold" in t else -1.0
            if threshold < 0:
                reason = "it was never set in training; every positive value is kept, as there"
                threshold = conventions.settle("threshold", threshold, reason)
            return BatchTopKCode(int(t["k"]), threshold)
        case "JumpReluAutoEncoder":
            return ThresholdCode(t["threshold"])
        case "GatedAutoEncoder":
            return GatedCode(t["r_mag"], t["mag_bias"], l1)
    return ReLUCode(l1)


def _written(weights: PlainWeights) -> tuple[str, dict[str, Tensor]]:
    """The class of the library that computes the same, and the tensors that it adds."""
    match weights.activation:
        case TopKCode(k):
            counts = {"k": torch.tensor(k, dtype=torch.int), "threshold": torch.tensor(-1.0)}
            return "AutoEncoderTopK", counts
        case BatchTopKCode(k, threshold):
            counts = {"k": torch.tensor(k, dtype=torch.int), "threshold": torch.tensor(threshold)}
            if weights.groups is None:
                return "BatchTopKSAE", counts
            ends = torch.tensor((0, *weights.groups))
            return "MatryoshkaBatchTopKSAE", counts | {"group_sizes": ends.diff()}
        case ThresholdCode(threshold):
            return "JumpReluAutoEncoder", {"threshold": threshold}
        case GatedCode(log_scale, magnitude_bias):
            return "GatedAutoEncoder", {"r_mag": log_scale, "mag_bias": magnitude_bias}
        case PursuitCode():
            raise ConfigError(
                "got a matching pursuit, expected a linear encoder, which is all that "
                "dictionary_learning has; its choice of latents would be lost. Write it as SAELens"
            )
        case ReLUCode():
            return "AutoEncoder" if weights.subtracts_offset else "AutoEncoderNew", {}


def _provenance(trainer: dict[str, Any]) -> dict[str, Any]:
    names = {
        "model_name": trainer.get("lm_name"),
        "hook": trainer.get("submodule_name"),
        "library": "dictionary_learning",
    }
    return {name: value for name, value in names.items() if isinstance(value, str)}


register(
    ForeignFormat(
        "dictionary_learning",
        "dictionary_learning",
        recognises,
        read,
        write,
        "the library's own classes (0.1.0)",
    )
)
