"""sparsify (EleutherAI): `cfg.json` and `sae.safetensors` in a folder of each hookpoint."""

from __future__ import annotations

from typing import Any

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder
from sparsetime.interop.config_values import positive_integer
from sparsetime.interop.conventions import Conventions
from sparsetime.interop.extract_weights import extracted
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import PlainWeights, TopKCode

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"


def recognises(source: ForeignFiles) -> bool:
    """Whether a folder has the files of a sparse coder."""
    return source.has(CONFIG, WEIGHTS)


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a sparse coder of sparsify. Errors: DataError, ConfigError."""
    config = source.json(CONFIG)
    activation, k = config.get("activation", "topk"), positive_integer(config.get("k", 32))
    if activation != "topk":
        raise ConfigError(
            f"{source.where}: got the activation {activation!r} of sparsify, expected 'topk': the "
            "largest latent of each of k groups is another choice than the k largest of all; wrap "
            "its encode and decode with sparsetime.adopt"
        )
    if k is None:
        raise DataError(
            f"{source.where}: got k={config.get('k')!r} in {CONFIG}, expected at least 1"
        )
    # The library's own code decides by `transcode`; readers that go by `normalize_decoder` err.
    if isinstance(config.get("transcode"), bool):
        transcode = config["transcode"]
    else:
        reason = f"{CONFIG} does not say; sparsify's default is an SAE"
        transcode = conventions.settle("transcode", False, reason)
    out = "d_out" if transcode else "d_in"
    has_skip = config.get("skip_connection") is True
    shapes: dict[str, Shape] = {
        "encoder.weight": ("width", "d_in"),
        "encoder.bias": ("width",),
        "W_dec": ("width", out),
        "b_dec": (out,),
        **({"W_skip": (out, "d_in")} if has_skip else {}),
    }
    t = checked_tensors(source.safetensors(WEIGHTS), shapes, source.where)
    name = source.folder.url.rstrip("/").rpartition("/")[2]
    provenance: dict[str, Any] = {"library": "sparsify", "hook": name}
    return PlainWeights(
        encoder=t["encoder.weight"],
        encoder_bias=t["encoder.bias"],
        decoder=t["W_dec"],
        decoder_bias=t["b_dec"],
        activation=TopKCode(k),
        subtracts_offset=not transcode,
        # A skip connection of an SAE reads the activation itself, not less an offset.
        is_transcoder=transcode,
        skip=t.get("W_skip"),
        provenance=provenance,
    )


def write(dictionary: Dictionary, folder: Folder) -> None:
    """Write a sparse coder that `SparseCoder.load_from_disk` of sparsify opens.

    Errors: ConfigError for anything but TopK, of which sparsify has no other.
    """
    weights = extracted(dictionary).with_offset(True)
    lost = []
    if not isinstance(weights.activation, TopKCode):
        lost.append(
            f"the rule of {type(weights.activation).__name__}, since sparsify has TopK only"
        )
    if weights.d_in != weights.d_out:
        lost.append(f"{weights.d_out} dimensions of output, since sparsify has those of the input")
    if weights.row_norm is not None:
        lost.append(f"the normalisation of every row ({weights.row_norm})")
    if weights.groups is not None:
        lost.append("the nested groups of latents")
    if lost:
        raise ConfigError(
            f"got a dictionary that sparsify cannot hold; would be lost: {'; '.join(lost)}. Write "
            "it as SAELens or dictionary_learning"
        )
    assert isinstance(weights.activation, TopKCode)
    tensors = {
        "encoder.weight": weights.encoder,
        "encoder.bias": weights.encoder_bias,
        "W_dec": weights.decoder,
        "b_dec": weights.decoder_bias,
    }
    if weights.skip is not None:
        tensors["W_skip"] = weights.skip
    folder.make()
    folder.write_tensors(WEIGHTS, tensors)
    config = {
        "activation": "topk",
        "expansion_factor": max(1, weights.width // weights.d_in),
        # Of further training there: it keeps the lengths of the atoms only where this is false.
        "normalize_decoder": False,
        "num_latents": weights.width,
        "k": weights.activation.k,
        "multi_topk": False,
        "skip_connection": weights.skip is not None,
        "transcode": weights.is_transcoder,
        "d_in": weights.d_in,
    }
    folder.write_json(CONFIG, config)


register(
    ForeignFormat(
        "sparsify", "sparsify", recognises, read, write, "the library's own class (1.3.3)"
    )
)
