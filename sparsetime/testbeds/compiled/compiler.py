"""Compiler: weights of a transformer from heads and MLPs over named variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.testbeds.compiled.circuit import OUTPUT, POSITIONS, TOKENS, Circuit
from sparsetime.testbeds.compiled.transformer import (
    CompiledHead,
    CompiledLayer,
    CompiledTransformer,
)

TOKEN, POSITION = "token", "position"


@final
@dataclass(frozen=True, eq=False)
class HeadProgram:
    """What a head does: it attends where variables match, and moves a variable.

    match: by query and key variable the scores [query values, key values], from 0 to 1, which add
    up; empty for equal attention to all steps. prefers: by key variable scores [key values] for
    every query. moves: from the value variable to `writes`, which
    has as many values as `matrix` [value values, written values] has columns; None copies.
    """

    writes: str
    moves: str
    match: Mapping[tuple[str, str], Float[Tensor, "queries keys"]] = field(default_factory=dict)
    matrix: Float[Tensor, "values written"] | None = None
    prefers: Mapping[str, Float[Tensor, " keys"]] = field(default_factory=dict)


@final
@dataclass(frozen=True, eq=False)
class MlpProgram:
    """What an MLP computes: writes = relu(sum_v reads_v into_v + bias) out.

    into: by variable that is read its weights [values, neurons]; out: [neurons, written values].
    """

    writes: str
    into: Mapping[str, Float[Tensor, "values neurons"]]
    bias: Float[Tensor, " neurons"]
    out: Float[Tensor, "neurons written"]


LayerProgram = tuple[Sequence[HeadProgram], MlpProgram]


def compiled(
    tokens: int,
    context: int,
    layers: Sequence[LayerProgram],
    output: str,
    *,
    causal: bool,
    hardness: float,
    seed: int,
) -> tuple[CompiledTransformer, Circuit, Float[Tensor, "features d"]]:
    """The transformer of a program, its circuit, and the directions of all variables' values.

        x_t = sum_v value_v(t) A_v,   A A^T = 1

    The residual stream is the sum of all variables, each in its own rows A_v of one random rotation
    A, so no neuron of it is a variable. A read projects onto rows, a write adds them. Scores are
    multiplied by `hardness`: a key whose score is 1 lower gets exp(-hardness) of the weight.

    Source: Weiss, Goldberg and Yahav 2021, "Thinking like transformers" (RASP), and Lindner et al.
    2023, "Tracr: compiled transformers as a laboratory for interpretability"; written here from
    their ideas, without their language.

    Errors: ConfigError for a hardness that is not positive.
    """
    if not hardness > 0:
        raise ConfigError(f"got hardness={hardness}, expected a positive number; 30 is exact")
    circuit = _circuit(tokens, context, layers, output)
    atoms = _rotation(sum(circuit.sizes.values()), seed)
    rows: dict[str, Tensor] = {}
    start = 0
    for name in circuit.writes.values():
        rows[name] = atoms[start : start + circuit.sizes[name]]
        start += circuit.sizes[name]
    model = CompiledTransformer(
        tokens,
        context,
        len(atoms),
        [
            CompiledLayer([_head(one, rows, causal, hardness) for one in heads], _mlp(mlp, rows))
            for heads, mlp in layers
        ],
        circuit.sizes[output],
    )
    with torch.no_grad():
        model.token_embedding.weight.copy_(rows[TOKEN])
        model.position_embedding.weight.copy_(rows[POSITION])
        model.unembedding.weight.copy_(rows[output])
    return model.eval(), circuit, atoms.float()


def _circuit(tokens: int, context: int, layers: Sequence[LayerProgram], output: str) -> Circuit:
    writes = {TOKENS: TOKEN, POSITIONS: POSITION}
    sizes = {TOKEN: tokens, POSITION: context}
    reads: dict[str, dict[str, tuple[str, ...]]] = {}
    for number, (heads, mlp) in enumerate(layers):
        for place, head in enumerate(heads):
            node = f"layers.{number}.heads.{place}"
            sizes[head.writes] = sizes[head.moves] if head.matrix is None else head.matrix.shape[1]
            writes[node] = head.writes
            reads[node] = {
                "query": tuple(dict.fromkeys(query for query, _ in head.match)),
                "key": tuple(dict.fromkeys([*(key for _, key in head.match), *head.prefers])),
                "value": (head.moves,),
            }
        node = f"layers.{number}.mlp"
        writes[node], sizes[mlp.writes] = mlp.writes, mlp.out.shape[1]
        reads[node] = {"input": tuple(mlp.into)}
    return Circuit(writes, {**reads, OUTPUT: {"input": (output,)}}, sizes)


def _rotation(d: int, seed: int) -> Float[Tensor, "d d"]:
    """A random rotation, uniform over all of them (Haar), in float64."""
    drawn = seeds.torch_generator(seed, "rotation of a compiled model")
    q, r = torch.linalg.qr(torch.randn(d, d, generator=drawn, dtype=torch.float64))
    rotation: Tensor = q * r.diagonal().sign()
    return rotation


def _head(
    program: HeadProgram, rows: Mapping[str, Tensor], causal: bool, hardness: float
) -> CompiledHead:
    value, written = rows[program.moves], rows[program.writes]
    d = value.shape[1]
    queries = [score.double().T @ rows[query] for (query, _), score in program.match.items()]
    keys = [rows[key] for _, key in program.match]
    preferred = [score.double()[None] @ rows[key] for key, score in program.prefers.items()]
    # A preference is the product of a key with a query of bias alone; one of 0 keeps a head whole.
    same = preferred or [torch.zeros(1, d, dtype=torch.float64)]
    query = torch.cat([*queries, torch.zeros(len(same), d)])
    bias = torch.cat([torch.zeros(len(query) - len(same)), torch.ones(len(same))])
    key = torch.cat([*keys, *same])
    moved = value if program.matrix is None else program.matrix.double().T @ value
    head = CompiledHead(d, len(key), len(moved), causal)
    with torch.no_grad():
        head.query.weight.copy_(hardness * query)
        head.query.bias.copy_(hardness * bias)
        head.key.weight.copy_(key)
        head.value.weight.copy_(moved)
        head.output.weight.copy_(written.T)
    return head


def _mlp(program: MlpProgram, rows: Mapping[str, Tensor]) -> nn.Sequential:
    written = rows[program.writes]
    neurons, d = len(program.bias), written.shape[1]
    first, second = nn.Linear(d, neurons), nn.Linear(neurons, d, bias=False)
    into = [weight.double().T @ rows[name] for name, weight in program.into.items()]
    with torch.no_grad():
        first.weight.copy_(torch.stack(into).sum(dim=0))
        first.bias.copy_(program.bias)
        second.weight.copy_((program.out.double() @ written).T)
    return nn.Sequential(first, nn.ReLU(), second)
