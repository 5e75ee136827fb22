"""Gemma Scope 2: a cross-layer transcoder, a file `params_layer_i.safetensors` for each layer."""

from __future__ import annotations

from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.cross_layer import CrossLayerPart, joined
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.formats.circuit_tracer import check_threshold
from sparsetime.interop.formats.gemma_scope_2 import CONFIG, SKIP
from sparsetime.interop.layout import checked_tensors

_FILE = "params_layer_{}.safetensors"


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the file of the first layer."""
    return not source.file and source.has(_FILE.format(0))


def read(source: ForeignFiles, conventions: Conventions) -> Dictionary:
    """A cross-layer transcoder whose sites are joined in the order of the layers.

    Crosscoders have files of the same names, so the word "crosscoder" in the address decides, or
    `is_crosscoder`. Decoder rows to layers before a latent's own are left out, as circuit-tracer
    does. Errors: DataError; ConfigError for a crosscoder.
    """
    layers = sum(name.startswith("params_layer_") for name in source.names())
    if conventions.state("is_crosscoder", "crosscoder" in source.where):
        raise ConfigError(
            f"got {source.where}, a crosscoder of Gemma Scope 2, expected a cross-layer transcoder "
            "(clt): a latent of a crosscoder reads several layers at once; wrap its encode and "
            "decode with sparsetime.adopt"
        )
    parts = [_layer(source, number, layers) for number in range(layers)]
    config = source.json(CONFIG) if source.has(CONFIG) else {}
    names: dict[str, Any] = {
        "library": "Gemma Scope 2",
        "model_name": config.get("model_name"),
        "hook": config.get("hf_hook_point_in"),
        "hook_out": config.get("hf_hook_point_out"),
    }
    known = {name: value for name, value in names.items() if isinstance(value, str)}
    return joined(parts, known, source.where)


def _layer(source: ForeignFiles, number: int, layers: int) -> CrossLayerPart:
    where = f"{source.where}, layer {number}"
    t = checked_tensors(
        source.safetensors(_FILE.format(number)),
        {
            "w_enc": ("d", "width"),
            "b_enc": ("width",),
            "w_dec": ("width", "layers", "d"),
            "b_dec": ("d",),
            "threshold": ("width",),
            SKIP: ("d", "d"),
        },
        where,
        optional=(SKIP,),
        sizes={"layers": layers},
    )
    check_threshold(t["threshold"], where)
    return CrossLayerPart(
        encoder=t["w_enc"].T.contiguous(),
        encoder_bias=t["b_enc"],
        decoder=t["w_dec"][:, number:],
        decoder_bias=t["b_dec"],
        threshold=t["threshold"],
        skip=t[SKIP].T.contiguous() if SKIP in t else None,
    )


register(
    ForeignFormat(
        "gemma_scope_2_clt",
        "Gemma Scope 2, cross-layer",
        recognises,
        read,
        None,
        "the loader of circuit-tracer (0.5.0, a third party's wheel)",
    )
)
