"""Forced dtype of selection products, which each processor otherwise chooses by its own times."""

from __future__ import annotations

DTYPES = ("auto", "int8", "bfloat16", "float32")


def force_selection_dtype(name: str) -> None:
    """Select in this dtype from now on, in training and in inference; "auto" leaves the choice.

    int8 is what processors with VNNI choose, bfloat16 those with AMX, float32 those with neither.
    Every processor can run all three.
    """
    from sparsetime.kernels import precision

    if name not in DTYPES:
        raise ValueError(f"got selection dtype {name!r}, expected one of {', '.join(DTYPES)}")
    if name != "auto":
        ratios = {} if name == "float32" else {name: 0.0}
        # `selection_dtype` takes the dtype of the least ratio, and float32 where none is below 0.7.
        precision._kept_ratios = lambda kind, machine: {"bfloat16": 1.0, **ratios}
