"""Goodfire: one file of `torch.save` with a ReLU SAE."""

from __future__ import annotations

from sparsetime.interop.conventions import Conventions
from sparsetime.interop.foreign_files import ForeignFiles
from sparsetime.interop.foreign_format import ForeignFormat, register
from sparsetime.interop.layout import Shape, checked_tensors
from sparsetime.interop.plain_weights import PlainWeights, ReLUCode

_SHAPES: dict[str, Shape] = {
    "encoder_linear.weight": ("width", "d"),
    "encoder_linear.bias": ("width",),
    "decoder_linear.weight": ("d", "width"),
    "decoder_linear.bias": ("d",),
}


def recognises(source: ForeignFiles) -> bool:
    """Whether this is one file of torch.save, or a folder with nothing else."""
    return _file_of(source) is not None


def read(source: ForeignFiles, conventions: Conventions) -> PlainWeights:
    """The weights of a Goodfire SAE. Errors: DataError."""
    name = _file_of(source)
    assert name is not None, "recognised before"
    t = checked_tensors(source.pt(name), _SHAPES, source.where)
    return PlainWeights(
        encoder=t["encoder_linear.weight"],
        encoder_bias=t["encoder_linear.bias"],
        decoder=t["decoder_linear.weight"].T.contiguous(),
        decoder_bias=t["decoder_linear.bias"],
        activation=ReLUCode(),
        subtracts_offset=conventions.state("subtracts_offset", value=False),
        provenance={"library": "Goodfire"},
    )


def _file_of(source: ForeignFiles) -> str | None:
    files = [name for name in source.names() if name.endswith((".pt", ".pth"))]
    if source.file:
        return source.file if files == [source.file] != ["ae.pt"] else None
    others = [name for name in source.names() if name.endswith((".json", ".safetensors", ".yaml"))]
    return files[0] if len(files) == 1 and not others else None


register(
    ForeignFormat("goodfire", "Goodfire", recognises, read, None, "the loader of SAELens (6.54.12)")
)
