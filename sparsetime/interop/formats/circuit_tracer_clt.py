"""circuit-tracer: a cross-layer transcoder, two files a layer."""

from __future__ import annotations

from typing import Any

import yaml

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.files import Folder
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.cross_layer import CrossLayerPart, joined, parted
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.formats.circuit_tracer import CONFIG, check_threshold, provenance_of
from sparsetime.interop.layout import checked_tensors


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of the first layer."""
    return not source.file and source.has("W_enc_0.safetensors", "W_dec_0.safetensors")


def read(source: ForeignFiles, conventions: Conventions) -> Dictionary:
    """A cross-layer transcoder whose sites are joined in the order of the layers.

    The latents of all layers stand side by side. Errors: DataError.
    """
    del conventions
    layers = sum(name.startswith("W_enc_") for name in source.names())
    parts = [_layer(source, number) for number in range(layers)]
    return joined(parts, provenance_of(source, "*"), source.where)


def write(dictionary: Dictionary, folder: Folder) -> None:
    """Write two files for each layer, and the config of the set, which `load_clt` opens.

    Hooks are written where they have TransformerLens' names.

    Errors: ConfigError for anything but a cross-layer transcoder of ReLU or thresholds, and for a
    skip connection, of which circuit-tracer reads and saves none in these files.
    """
    parts = parted(dictionary)
    folder.make()
    for number, part in enumerate(parts):
        tensors = {"W_enc": part.encoder, "b_enc": part.encoder_bias, "b_dec": part.decoder_bias}
        if part.threshold is not None:
            tensors["threshold"] = part.threshold
        named = {f"{name}_{number}": tensor for name, tensor in tensors.items()}
        folder.write_tensors(f"W_enc_{number}.safetensors", named)
        folder.write_tensors(f"W_dec_{number}.safetensors", {f"W_dec_{number}": part.decoder})
    folder.write_text(CONFIG, yaml.safe_dump(_config(dictionary.provenance), sort_keys=False))


def _config(origin: dict[str, Any]) -> dict[str, Any]:
    hooks = (str(origin.get(name, "")).removeprefix("blocks.*.") for name in ("hook", "hook_out"))
    read_hook, write_hook = hooks
    return {
        "model_kind": "cross_layer_transcoder",
        "model_name": origin.get("model_name"),
        "feature_input_hook": read_hook or None,
        "feature_output_hook": write_hook or None,
    }


def _layer(source: ForeignFiles, number: int) -> CrossLayerPart:
    encoder = source.safetensors(f"W_enc_{number}.safetensors")
    decoder = source.safetensors(f"W_dec_{number}.safetensors")
    where = f"{source.where}, layer {number}"
    t = checked_tensors(
        {name.removesuffix(f"_{number}"): tensor for name, tensor in (encoder | decoder).items()},
        {
            "W_enc": ("width", "d"),
            "b_enc": ("width",),
            "b_dec": ("d",),
            "threshold": ("width",),
            "W_dec": ("width", "later layers", "d"),
        },
        where,
        optional=("threshold",),
    )
    check_threshold(t.get("threshold"), where)
    return CrossLayerPart(t["W_enc"], t["b_enc"], t["W_dec"], t["b_dec"], t.get("threshold"))


register(
    ForeignFormat(
        "circuit_tracer_clt",
        "circuit-tracer, cross-layer",
        recognises,
        read,
        write,
        "the library's own class (0.5.0, a third party's wheel)",
    )
)
