"""circuit-tracer: a cross-layer transcoder, two files a layer."""

from __future__ import annotations

import torch
from torch import Tensor

from sparsetime.dictionaries.decoders.cross_layer import FreeCrossLayerDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.per_site import PerSiteEncoder
from sparsetime.dictionaries.objectives.mse import MSE
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.objectives.scaled_l1 import ScaledL1
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.free_threshold import FreeThreshold
from sparsetime.dictionaries.sparsifiers.relu import ReLU
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import DataError
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.formats.circuit_tracer import check_threshold, provenance_of
from sparsetime.interop.layout import checked_tensors


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of the first layer."""
    return not source.file and source.has("W_enc_0.safetensors", "W_dec_0.safetensors")


def read(source: ForeignFiles, conventions: Conventions) -> Dictionary:
    """A cross-layer transcoder whose sites are joined in the order of the layers.

    The latents of all layers stand side by side. Errors: DataError.
    """
    del conventions
    names = source.names()
    count = sum(name.startswith("W_enc_") for name in names)
    layers = [_layer(source, number, count) for number in range(count)]
    width, d = layers[0]["W_enc"].shape
    for number, layer in enumerate(layers):
        if layer["W_enc"].shape != (width, d):
            raise DataError(
                f"{source.where}: got W_enc_{number} of shape {list(layer['W_enc'].shape)}, "
                f"expected [{width}, {d}], as of layer 0"
            )
    has_threshold = "threshold" in layers[0]
    sparsifier: Sparsifier = FreeThreshold(width * count) if has_threshold else ReLU()
    terms: list[Term] = [MSE()] if has_threshold else [MSE(), ScaledL1(0.0)]
    dictionary = Dictionary(
        PerSiteEncoder(d * count, width * count, count),
        sparsifier,
        FreeCrossLayerDecoder(width * count, d * count, count),
        Objective(terms),
        in_dims=(d,) * count,
        out_dims=(d,) * count,
    )
    atoms = torch.zeros(count, width, count, d)
    for number, layer in enumerate(layers):
        atoms[number, :, number:] = layer["W_dec"]

    def joined(name: str) -> Tensor:
        return torch.cat([layer[name] for layer in layers])

    tensors = {
        "encoder.weight": joined("W_enc"),
        "encoder.bias": joined("b_enc"),
        "decoder.weight": atoms.flatten(2).flatten(0, 1),
        "decoder.bias": joined("b_dec"),
    }
    if has_threshold:
        tensors["sparsifier.threshold"] = joined("threshold")
    dictionary.load_state_dict({**dictionary.state_dict(), **tensors})
    dictionary.provenance = provenance_of(source, "*") | {"layers": count}
    return dictionary


def _layer(source: ForeignFiles, number: int, count: int) -> dict[str, Tensor]:
    """Tensors of one layer, without its number in their names."""
    encoder = source.safetensors(f"W_enc_{number}.safetensors")
    decoder = source.safetensors(f"W_dec_{number}.safetensors")
    stored = {n.removesuffix(f"_{number}"): t for n, t in (encoder | decoder).items()}
    tensors = checked_tensors(
        stored,
        {
            "W_enc": ("width", "d"),
            "b_enc": ("width",),
            "b_dec": ("d",),
            "threshold": ("width",),
            "W_dec": ("width", "later layers", "d"),
        },
        f"{source.where}, layer {number}",
        optional=("threshold",),
    )
    later = tensors["W_dec"].shape[1]
    if later != count - number:
        raise DataError(
            f"{source.where}: got W_dec_{number} for {later} layers, expected {count - number}: "
            f"its own and those after it, of {count}"
        )
    check_threshold(tensors.get("threshold"), f"{source.where}, layer {number}")
    return tensors


register(
    ForeignFormat(
        "circuit_tracer_clt",
        "circuit-tracer, cross-layer",
        recognises,
        read,
        None,
        "the library's own class (0.5.0, a third party's wheel)",
    )
)
