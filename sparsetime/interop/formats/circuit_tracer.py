"""circuit-tracer: `config.yaml` and a file of each layer's transcoder."""

from __future__ import annotations

import re
from typing import Any

import torch
import yaml
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
    BatchTopKCode,
    PlainWeights,
    ReLUCode,
    ThresholdCode,
)

CONFIG = "config.yaml"
_LAYER = re.compile(r"layer_(\d+)\.safetensors")
_THRESHOLD = "activation_function.threshold"
_SHAPES: dict[str, Shape] = {
    "W_enc": ("width", "d"),
    "W_dec": ("width", "d"),
    "b_enc": ("width",),
    "b_dec": ("d",),
    _THRESHOLD: ("width",),
    "W_skip": ("d", "d"),
}


def recognises(source: ForeignFiles) -> bool:
    """Whether this is the file of one layer, or a folder with one."""
    return len(_layers(source)) == 1


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of one layer's transcoder. Errors: DataError, ConfigError."""
    (name,) = _layers(source)
    optional = (_THRESHOLD, "W_skip")
    t = checked_tensors(source.safetensors(name), _SHAPES, source.where, optional)
    threshold = t.get(_THRESHOLD)
    check_threshold(threshold, source.where)
    layer = int((_LAYER.fullmatch(name) or [name, "0"])[1])
    del conventions
    return PlainWeights(
        encoder=t["W_enc"],
        encoder_bias=t["b_enc"],
        decoder=t["W_dec"],
        decoder_bias=t["b_dec"],
        activation=ReLUCode() if threshold is None else ThresholdCode(threshold),
        subtracts_offset=False,
        is_transcoder=True,
        skip=t.get("W_skip"),
        provenance=provenance_of(ForeignFiles(source.folder), layer) | {"layer": layer},
    )


def check_threshold(threshold: Tensor | None, where: str) -> None:
    """Errors: DataError for thresholds below 0."""
    if threshold is not None and bool((threshold < 0).any()):
        raise DataError(
            f"{where}: got thresholds below 0, with which circuit-tracer gives negative "
            "activation values, which no dictionary here has"
        )


def provenance_of(folder: ForeignFiles, layer: int | str) -> dict[str, Any]:
    """What the config of a set says of the model and its hooks, in a layer."""
    stored = folder.yaml(CONFIG) if folder.has(CONFIG) else {}
    # Aliases of YAML can make a list that is endless once it is written out.
    config = {name: value for name, value in stored.items() if isinstance(value, str)}
    read_hook, write_hook = (config.get(f"feature_{end}_hook") for end in ("input", "output"))
    names: dict[str, Any] = {
        "library": "circuit-tracer",
        "model_name": config.get("model_name"),
        "hook": f"blocks.{layer}.{read_hook}" if read_hook else None,
        "hook_out": f"blocks.{layer}.{write_hook}" if write_hook else None,
        # Attribution there sets the codes of the first position to 0.
        "excluded_first": 1,
    }
    return {name: value for name, value in names.items() if value is not None}


def write(dictionary: Dictionary, folder: Folder) -> None:
    """Write the file of one layer, and the config of the set that it belongs to.

    The layer is that of the file, hook or site that the provenance names; files of other layers
    that are there stay. Hooks are written where they have TransformerLens' names.

    Errors: ConfigError for what a transcoder of circuit-tracer is not, and without a layer.
    """
    weights = extracted(dictionary)
    lost = []
    if not weights.is_transcoder:
        lost.append("that it reconstructs what it reads, since circuit-tracer has transcoders only")
    if weights.d_in != weights.d_out:
        lost.append(f"{weights.d_out} dimensions of output, since both sides have those of a model")
    if not isinstance(weights.activation, ReLUCode | ThresholdCode | BatchTopKCode):
        lost.append(f"the rule of {type(weights.activation).__name__}")
    if lost:
        raise ConfigError(
            f"got a dictionary that circuit-tracer cannot hold; would be lost: {'; '.join(lost)}. "
            "Write it as SAELens or sparsify"
        )
    tensors: dict[str, Tensor] = {
        "W_enc": weights.encoder,
        "W_dec": weights.decoder,
        "b_enc": weights.encoder_bias,
        "b_dec": weights.decoder_bias,
    }
    match weights.activation:
        case ThresholdCode(threshold):
            tensors[_THRESHOLD] = threshold.relu()
        case BatchTopKCode(_, least):
            tensors[_THRESHOLD] = torch.full((weights.width,), max(0.0, least))
    if weights.skip is not None:
        tensors["W_skip"] = weights.skip
    origin = weights.provenance
    layer = _layer_of(origin)
    folder.make()
    folder.write_tensors(f"layer_{layer}.safetensors", tensors)
    config = {
        "model_kind": "transcoder_set",
        "model_name": origin.get("model_name"),
        "feature_input_hook": _within_block(origin.get("hook")),
        "feature_output_hook": _within_block(origin.get("hook_out")),
    }
    folder.write_text(CONFIG, yaml.safe_dump(config, sort_keys=False))


def _layer_of(origin: dict[str, Any]) -> int:
    found = re.search(r"(?:blocks|layers?|h)\.(\d+)", str(origin.get("hook") or origin.get("site")))
    layer = origin.get("layer", found and found[1])
    if layer is None:
        raise ConfigError(
            "got a dictionary whose provenance names no layer, expected one, since circuit-tracer "
            'finds files by it; set provenance["hook"], such as "blocks.3.mlp.hook_in"'
        )
    return int(layer)


def _within_block(hook: Any) -> str | None:
    """The name within a block of a hook of TransformerLens; None for any other name."""
    found = re.fullmatch(r"blocks\.\d+\.(.+)", str(hook))
    return None if found is None else found[1]


def _layers(source: ForeignFiles) -> list[str]:
    return [name for name in source.names() if _LAYER.fullmatch(name)]


register(
    ForeignFormat(
        "circuit_tracer",
        "circuit-tracer",
        recognises,
        read,
        write,
        "the library's own class (0.5.0, a third party's wheel)",
    )
)
