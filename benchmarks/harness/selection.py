"""The option `--selection-dtype`: a forced dtype of selection products, in every process."""

from __future__ import annotations

import argparse
import os

DTYPES = ("auto", "int8", "bfloat16", "float32")
# Workers are processes of their own, which inherit the choice.
_VARIABLE = "SPARSETIME_BENCHMARK_SELECTION_DTYPE"


def add_selection_dtype(parser: argparse.ArgumentParser) -> None:
    """Add the option. Parsing it forces the choice, here and in workers that start later."""
    parser.add_argument(
        "--selection-dtype",
        choices=DTYPES,
        default="auto",
        action=_Force,
        help="what sparsetime selects in: int8 as processors with VNNI or AMX choose, float32 as "
        "those with neither; auto leaves the choice to the processor. Every processor can run all "
        "three",
    )


def force_inherited_dtype() -> None:
    """Select in the dtype that was forced in the process that started this one."""
    _force(os.environ.get(_VARIABLE, "auto"))


class _Force(argparse.Action):
    def __call__(self, parser, namespace, name, option_string=None) -> None:
        setattr(namespace, self.dest, name)
        os.environ[_VARIABLE] = name
        _force(name)


def _force(name: str) -> None:
    from sparsetime.kernels import precision

    if name not in DTYPES:
        raise ValueError(f"got selection dtype {name!r}, expected one of {', '.join(DTYPES)}")
    if name != "auto":
        ratios = {} if name == "float32" else {name: 0.0}
        # `selection_dtype` takes the dtype of the least ratio, and float32 where none is below 0.7.
        precision._kept_ratios = lambda kind, machine: {"bfloat16": 1.0, **ratios}
