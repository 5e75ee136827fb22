"""Check of a file's tensors against the names and shapes that its format has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sparsetime.errors import DataError

#: Names of the dimensions of a tensor, such as `("width", "d_in")`; a number is itself.
Shape = tuple[str, ...]


def checked_tensors(
    tensors: Mapping[str, Tensor],
    shapes: Mapping[str, Shape],
    where: str,
    optional: Sequence[str] = (),
    ignored: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> dict[str, Tensor]:
    """The tensors of a format in float32, contiguous, with finite numbers.

    shapes: of every tensor, by names of dimensions, equal where the names are. optional: those that
    may be missing. ignored: other names that may be there and are not read. sizes: of dimensions
    that something else than the tensors settles.

    Errors: DataError for a missing or unknown tensor, another shape or dtype, NaN or inf.
    """
    unknown = sorted(set(tensors) - set(shapes) - set(ignored))
    missing = sorted(set(shapes) - set(tensors) - set(optional))
    if unknown or missing:
        raise DataError(
            f"{where} has the tensors {', '.join(sorted(tensors)) or 'none'}; missing: "
            f"{', '.join(missing) or 'none'}; not of this format: {', '.join(unknown) or 'none'}. "
            "What a file holds beyond its format could change what it computes, so it is not left "
            "out"
        )
    known_sizes = {name: (size, "the set") for name, size in (sizes or {}).items()}
    checked = {}
    for name, shape in shapes.items():
        if name not in tensors:
            continue
        tensor = tensors[name]
        if shape == () and tensor.shape == (1,):  # one number, as some versions keep it
            tensor = tensor[0]
        if tensor.dim() != len(shape):
            raise DataError(
                f"{where}: got {name} of shape {list(tensor.shape)}, expected {list(shape)}"
            )
        for axis, (size, dimension) in enumerate(zip(tensor.shape, shape, strict=True)):
            known, owner = known_sizes.setdefault(dimension, (size, name))
            if size != known or size == 0:
                raise DataError(
                    f"{where}: got {name} of shape {list(tensor.shape)} ({', '.join(shape)}), "
                    f"expected {known} at axis {axis}, as {owner} has"
                )
        if not (tensor.is_floating_point() or tensor.dtype in (torch.int32, torch.int64)):
            raise DataError(f"{where}: got {name} of {tensor.dtype}, expected numbers of a float")
        checked[name] = tensor.to(torch.float32).contiguous()
        if not torch.isfinite(checked[name]).all():
            raise DataError(
                f"{where}: {name} holds NaN or inf, or numbers beyond float32; get it again, or "
                "ask who published it"
            )
    return checked
