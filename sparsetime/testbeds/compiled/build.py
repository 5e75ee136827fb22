"""Register of compiled models."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.errors import unknown_name
from sparsetime.testbeds.compiled.compiler import compiled
from sparsetime.testbeds.compiled.model import CompiledModel
from sparsetime.testbeds.compiled.programs import (
    brackets,
    greater_than,
    induction,
    previous_fraction,
    sort,
)

#: Every program by name.
PROGRAMS = {
    "brackets": brackets,
    "greater_than": greater_than,
    "induction": induction,
    "previous_fraction": previous_fraction,
    "sort": sort,
}


def compiled_model(program: str, hardness: float = 30.0, seed: int = 0) -> CompiledModel:
    """A transformer that computes a program of `PROGRAMS` exactly, with its true circuit.

    hardness: factor of attention scores. At 30 the outputs are the function's to 1e-5; at 5 the
    attention is soft, and the outputs differ by up to some hundredths, but gradients flow through
    it. seed: of the rotation of the residual stream. Every layer has a head, and where the program
    needs none an MLP, whose output nothing reads.

    Errors: UnknownNameError with the nearest names; ConfigError for a hardness that is not
    positive.
    """
    if program not in PROGRAMS:
        raise unknown_name("compiled model", program, PROGRAMS)
    one = PROGRAMS[program]
    model, circuit, atoms = compiled(
        one.TOKENS,
        one.CONTEXT,
        one.layers(),
        one.OUTPUT,
        causal=one.CAUSAL,
        hardness=hardness,
        seed=seed,
    )
    return CompiledModel(
        program, model, circuit, atoms, one.VOCABULARY, one.sample, one.function, one.scored
    )


def sampled_tokens(
    model: CompiledModel, count: int, seed: int = 0, draw: int = 0
) -> Int[np.ndarray, "batch time"]:
    """Random inputs of a compiled model; `draw` says which of several sets of one seed."""
    random = seeds.numpy_generator(seed, "inputs of a compiled model", model.name, draw)
    return model.sample(count, random)
