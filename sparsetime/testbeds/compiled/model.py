"""CompiledModel: a transformer with weights set by hand, what it computes, and its circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.testbeds.compiled.circuit import OUTPUT, Circuit, StepEdge
from sparsetime.testbeds.compiled.transformer import CompiledHead, CompiledTransformer

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

# Attention below this is none: of `hardness` 30 an unmatched key has 1e-13.
_ATTENDED = 1e-4


@final
@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A compiled model.

    model: maps tokens [batch, time] to outputs [batch, time, outputs]. circuit: the true one.
    atoms: orthonormal directions, one for each value of each variable, [features, d]; features:
    their names, such as "token=3". vocabulary: the token strings. sample: draws tokens, from their
    number and a generator. function: the outputs of the program, in numpy alone. scored: the steps
    of tokens whose output has a meaning.
    """

    name: str
    model: CompiledTransformer
    circuit: Circuit
    atoms: Float[Tensor, "features d"]
    vocabulary: tuple[str, ...]
    sample: Callable[[int, np.random.Generator], Int[np.ndarray, "batch time"]]
    function: Callable[[Int[np.ndarray, "batch time"]], Float[np.ndarray, "batch time outputs"]]
    scored: Callable[[Int[np.ndarray, "batch time"]], Bool[np.ndarray, "batch time"]]

    @property
    def features(self) -> tuple[str, ...]:
        """The name of each atom."""
        return tuple(
            f"{variable.name}={value}"
            for variable in self.circuit.variables
            for value in range(variable.size)
        )

    @property
    def feature_on_circuit(self) -> Bool[np.ndarray, " features"]:
        """Whether the variable of each atom leads to the output."""
        variables = self.circuit.variables
        return np.repeat([v.on_circuit for v in variables], [v.size for v in variables])

    @torch.no_grad()
    def largest_error(self, tokens: Int[np.ndarray, "batch time"]) -> float:
        """The largest difference of the model's outputs from the function's, at scored steps."""
        outputs = self.model(torch.from_numpy(tokens)).double().numpy()
        error = np.abs(outputs - self.function(tokens))[self.scored(tokens)]
        return float(error.max(initial=0))

    def oracle_dictionary(self) -> Dictionary:
        """The dictionary of the true directions: the ceiling of what a trained one can give.

            z_i = relu(a_i . x),  x̂ = sum_i z_i a_i,  a: `atoms`

        All values are non-negative, so on every site of this model its reconstruction is exact.
        """
        from sparsetime.dictionaries.decoders import UnitNormDecoder
        from sparsetime.dictionaries.dictionary import Dictionary
        from sparsetime.dictionaries.encoders import LinearEncoder
        from sparsetime.dictionaries.objectives import L1, MSE, Objective
        from sparsetime.dictionaries.sparsifiers import ReLU

        features, d = self.atoms.shape
        encoder, decoder = LinearEncoder(d, features), UnitNormDecoder(features, d)
        with torch.no_grad():
            encoder.weight.copy_(self.atoms)
            decoder.weight.copy_(self.atoms)
        # A dictionary of ReLU needs a penalty to be trained; this one is not.
        return Dictionary(encoder, ReLU(), decoder, Objective([MSE(), L1(0.0)]), "oracle").eval()

    @torch.no_grad()
    def step_edges(self, tokens: Int[np.ndarray, " time"], step: int) -> frozenset[StepEdge]:
        """The true edges of one input that lead to the output at a step.

        Those of `circuit.edges`, at single steps: a key or value is read at every step that the
        head attends to (weight above 1e-4), everything else at the step itself.

        Errors: DataError for a step beyond the tokens.
        """
        if not 0 <= step < len(tokens):
            raise DataError(
                f"got step {step}, expected 0 to {len(tokens) - 1}, a step of the tokens"
            )
        attended = self._attended(torch.from_numpy(tokens)[None])
        edges: set[StepEdge] = set()
        waiting, seen = [(OUTPUT, step)], {(OUTPUT, step)}
        while waiting:
            target, at = waiting.pop()
            for edge in self.circuit.edges:
                if edge.target != target:
                    continue
                moved = edge.channel in ("key", "value")
                for source_step in attended[target][at] if moved else [at]:
                    edges.add(StepEdge(edge.source, source_step, target, at, edge.channel))
                    if (edge.source, source_step) not in seen:
                        seen.add((edge.source, source_step))
                        waiting.append((edge.source, source_step))
        return frozenset(edges)

    def _attended(self, tokens: Int[Tensor, "1 time"]) -> dict[str, list[list[int]]]:
        """By head, the steps that each step attends to."""
        found = {}
        hooks = []
        for name, head in self.model.named_modules():
            if isinstance(head, CompiledHead):

                def keep(head: CompiledHead, inputs: tuple[Tensor], name: str = name) -> None:
                    weights = head.attention(inputs[0])[0]
                    found[name] = [row.nonzero()[:, 0].tolist() for row in weights > _ATTENDED]

                hooks.append(head.register_forward_pre_hook(keep))
        try:
            self.model(tokens)
        finally:
            for hook in hooks:
                hook.remove()
        return found
