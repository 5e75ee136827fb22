"""Attributions against known circuits: ablation, gradients and sizes, on compiled models.

    python benchmarks/compiled_models.py [--programs induction] [--hardness 30,3] [--keep]

A compiled model's weights are set by hand, so its circuit is known (docs/rooms/testbeds.md). Every
method gives a number to each component, edge or feature, and the area under the ROC curve says how
well these numbers put the circuit first; 0.5 is a random order.

    activation       mean norm of what a component writes (a baseline that reads no effect)
    ablation         mean squared change of the outputs with the component's mean in its place
    exchange         the same with what the component wrote on another input
    gradient         |sum_t dL/dy_t . (y_t - mean y)|, L = squared distance of the outputs from
                     their mean: attribution patching from the mean
    integrated       the gradient averaged over ten points from the site's mean to its own values

Edges: the change of what a target's channel reads of one source (ablation, exchange), or the
gradient there times the source's output. Features: those of the oracle dictionary at the first
layer's output, whose codes are ablated one by one or multiplied by their gradients.
At the first hardness a TopK dictionary is trained at the same site, with the oracle's width and its
mean number of active features as k: "recovered" is the share of the features that occur there of
which it has the direction (cosine above 0.9).
Hardness is the factor of attention scores: at 30 the model is exact and its attention is saturated.
Seeds draw the rotation and the inputs. The last line is JSON; --keep writes it to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype
from torch import Tensor

import sparsetime as st
from sparsetime.interventions import patched
from sparsetime.metrics import edge_ranking, node_ranking, ranking_scores
from sparsetime.testbeds import (
    CompiledModel,
    Edge,
    compiled_model,
    recovery,
    sampled_tokens,
)

POINTS = 10
TRAINED_ON = 4096  # inputs
OCCURS = 0.01


class Case:
    """A compiled model on a batch of inputs, with what its components write there."""

    def __init__(self, bed: CompiledModel, inputs: int, seed: int) -> None:
        self.bed = bed
        tokens = sampled_tokens(bed, inputs, seed)
        self.tokens = torch.from_numpy(tokens)
        self.scored = torch.from_numpy(bed.scored(tokens))[..., None].float()
        self.written: dict[str, Tensor] = {}
        with torch.no_grad(), recorded(bed, self.written):
            self.outputs = bed.model(self.tokens)
        self.mean_output = self.outputs.mean(dim=0)

    def change(self, site: str, replace: Callable[[Tensor], Tensor]) -> float:
        """Mean squared change of the outputs with other activations at a site."""
        with torch.no_grad(), patched(self.bed.model, site, replace, *self.tokens.shape):
            difference = (self.bed.model(self.tokens) - self.outputs) * self.scored
        return float((difference**2).mean())

    def loss(self, outputs: Tensor) -> Tensor:
        return (((outputs - self.mean_output) * self.scored) ** 2).sum()

    def mean_of(self, node: str) -> Tensor:
        return self.written[node].mean(dim=(0, 1))

    def exchanged(self, node: str) -> Tensor:
        """What the component wrote on the next input, one step earlier."""
        return self.written[node].roll(1, 0).roll(1, 1)

    def gradients(self, node: str | None = None, share: float = 1.0) -> dict[str, Tensor]:
        """Gradients at what every component writes and at what every channel reads.

        node, share: the component writes its mean plus that share of its difference from it.
        """
        found: dict[str, Tensor] = {}
        modules = dict(self.bed.model.named_modules())
        with ExitStack() as stack:
            for site in [*self.bed.circuit.writes, *channel_sites(self.bed)]:
                stack.enter_context(gradient_at(modules, site, found))
            if node is not None:
                mean = self.mean_of(node)
                stack.enter_context(
                    patched(
                        self.bed.model,
                        node,
                        lambda y: mean + share * (y - mean),
                        *self.tokens.shape,
                    )
                )
            self.loss(self.bed.model(self.tokens)).backward()
        return found


@contextmanager
def recorded(
    bed: CompiledModel, into: dict[str, Tensor], nodes: Iterable[str] = ()
) -> Iterator[None]:
    modules = dict(bed.model.named_modules())
    hooks = [
        modules[node].register_forward_hook(
            lambda _, __, y, node=node: into.__setitem__(node, y.detach())
        )
        for node in nodes or bed.circuit.writes
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def gradient_at(modules: dict[str, Any], site: str, into: dict[str, Tensor]) -> Iterator[None]:
    """The gradient at a module's output, or at its input where the site ends so."""
    path, _, side = site.partition(":")
    hooks = []

    def keep(gradient: Tensor) -> None:
        into[site] = gradient

    def read(_: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        own = given[0] * 1  # of this channel alone: others read the same tensor
        hooks.append(own.register_hook(keep))
        return (own,)

    def wrote(_: Any, __: Any, y: Tensor) -> Tensor:
        # A hook of the module's backward pass is not called where inputs have no gradient.
        hooks.append(y.register_hook(keep))
        return y

    module = modules[path]
    hooks.append(
        module.register_forward_pre_hook(read) if side else module.register_forward_hook(wrote)
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def channel_sites(bed: CompiledModel) -> list[str]:
    return sorted({edge.site for edge in bed.circuit.candidates})


def nodes(case: Case) -> dict[str, dict[str, float]]:
    """By method the attribution of every component."""
    gradients = case.gradients()
    found: dict[str, dict[str, float]] = {
        name: {} for name in ("activation", "ablation", "exchange", "gradient", "integrated")
    }
    for node, y in case.written.items():
        mean, other = case.mean_of(node), case.exchanged(node)
        found["activation"][node] = float(y.norm(dim=-1).mean())
        found["ablation"][node] = case.change(node, lambda x, mean=mean: mean.expand_as(x))
        found["exchange"][node] = case.change(node, lambda _, other=other: other)
        found["gradient"][node] = product(gradients[node], y - mean)
        path = [(number + 0.5) / POINTS for number in range(POINTS)]
        average = torch.stack([case.gradients(node, share)[node] for share in path]).mean(dim=0)
        found["integrated"][node] = product(average, y - mean)
    return found


def edges(case: Case) -> dict[str, dict[Edge, float]]:
    """By method the attribution of every edge that the architecture allows."""
    gradients = case.gradients()
    found: dict[str, dict[Edge, float]] = {"ablation": {}, "exchange": {}, "gradient": {}}
    for edge in case.bed.circuit.candidates:
        y = case.written[edge.source]
        mean, other = case.mean_of(edge.source), case.exchanged(edge.source)
        found["ablation"][edge] = case.change(edge.site, lambda x, y=y, mean=mean: x - y + mean)
        found["exchange"][edge] = case.change(edge.site, lambda x, y=y, other=other: x - y + other)
        found["gradient"][edge] = product(gradients[edge.site], y - mean)
    return found


def features(case: Case) -> dict[str, np.ndarray]:
    """By method the attribution of the oracle dictionary's features at the first layer's output."""
    oracle = case.bed.oracle_dictionary()
    atoms = oracle.atoms.detach()
    kept: list[Tensor] = []

    def encoded(x: Tensor) -> Tensor:
        codes = (x @ atoms.T).relu().detach().requires_grad_()
        kept.append(codes)
        return codes @ atoms

    with patched(case.bed.model, "layers.0", encoded, *case.tokens.shape):
        case.loss(case.bed.model(case.tokens)).backward()
    codes = kept[0].detach()
    mean = codes.mean(dim=(0, 1))
    gradient = kept[0].grad
    assert gradient is not None
    by_input = (gradient * (codes - mean)).sum(dim=1).abs().mean(dim=0)

    def without(number: int) -> float:
        change = (mean[number] - codes[..., number])[..., None] * atoms[number]
        return case.change("layers.0", lambda x: x + change)

    return {
        "activation": codes.mean(dim=(0, 1)).numpy(),
        "ablation": np.array([without(number) for number in range(oracle.width)]),
        "gradient": by_input.numpy(),
    }


def recovered(case: Case, seed: int, rows: int) -> dict[str, float]:
    """Features of the first layer's output that a trained dictionary has, of all that occur."""
    oracle = case.bed.oracle_dictionary()
    tokens = torch.from_numpy(sampled_tokens(case.bed, TRAINED_ON, seed, draw=1))
    found: dict[str, Tensor] = {}
    with torch.no_grad(), recorded(case.bed, found, ["layers.0"]):
        case.bed.model(tokens)
    x = found["layers.0"].flatten(0, 1)
    code = oracle.encode(x).dense() > OCCURS
    occurs = code.any(dim=0)
    k = math.ceil(float(code.sum(dim=1).float().mean()))
    sae = st.dictionary("topk", d_in=x.shape[1], width=oracle.width, k=k, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        sae = st.train(
            sae, x, out=Path(folder) / "run", rows=rows, batch=512, show=False
        ).dictionary
    atoms = oracle.atoms.detach()
    ahead = torch.from_numpy(still_ahead(case)) & occurs
    match = recovery(sae.atoms.detach(), atoms[occurs])
    return {
        "recovered": match.share_recovered,
        "cosine": match.mean_max_cosine,
        "on_circuit": recovery(sae.atoms.detach(), atoms[ahead]).share_recovered,
        "features": int(occurs.sum()),
        "k": k,
    }


def product(gradient: Tensor, difference: Tensor) -> float:
    """Mean over inputs of the absolute sum over steps and dimensions."""
    return float((gradient * difference).sum(dim=(1, 2)).abs().mean())


def still_ahead(case: Case) -> np.ndarray:
    """Features written by the end of the first layer that the circuit reads behind it."""
    ahead = []
    for variable in case.bed.circuit.variables:
        written = not variable.written_by.startswith("layers.1.")
        behind = any(
            edge in case.bed.circuit.edges and not edge.target.startswith("layers.0.")
            for edge in variable.read_by
        )
        ahead += [written and behind] * variable.size
    return np.array(ahead)


def main() -> None:
    options = arguments()
    began = time.perf_counter()
    result: dict[str, Any] = {"benchmark": "compiled_models", "machine": machine()}
    result |= {"version": st.__version__, "inputs": options.inputs}
    result["runs"] = runs = []
    result["dictionaries"] = dictionaries = []
    levels = [float(level) for level in options.hardness.split(",")]
    for program in options.programs.split(","):
        for hardness in levels:
            values: dict[tuple[str, str], list[float]] = {}
            errors, trained = [], []
            for seed in map(int, options.seeds.split(",")):
                bed = compiled_model(program, hardness, seed)
                case = Case(bed, options.inputs, seed)
                errors.append(bed.largest_error(case.tokens.numpy()))
                if hardness == levels[0]:
                    trained.append(recovered(case, seed, options.rows))
                for method, of_nodes in nodes(case).items():
                    score = node_ranking(of_nodes, bed.circuit).auroc
                    values.setdefault(("components", method), []).append(score)
                for method, of_edges in edges(case).items():
                    score = edge_ranking(of_edges, bed.circuit).auroc
                    values.setdefault(("edges", method), []).append(score)
                for method, of_features in features(case).items():
                    score = ranking_scores(of_features, still_ahead(case)).auroc
                    values.setdefault(("features", method), []).append(score)
            if trained:
                one: dict[str, Any] = {
                    "program": program,
                    "hardness": hardness,
                    "rows": options.rows,
                }
                for key in ("recovered", "on_circuit", "cosine", "features", "k"):
                    one[key] = float(np.mean([run[key] for run in trained]))
                one["reseed"] = float(np.std([run["recovered"] for run in trained], ddof=1))
                dictionaries.append(one)
            for (what, method), scores in values.items():
                run = {"program": program, "hardness": hardness, "of": what, "method": method}
                run |= {"auroc": float(np.mean(scores)), "lowest": min(scores)}
                run |= {"seeds": len(scores), "largest_error": max(errors)}
                runs.append(run)
    result |= {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time()}
    conclude("compiled_models", result, markdown(runs, dictionaries), options.keep)


def markdown(runs: list[dict[str, Any]], dictionaries: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys((run["of"], run["method"]) for run in runs))
    rows = []
    for program, hardness in dict.fromkeys((run["program"], run["hardness"]) for run in runs):
        own = [r for r in runs if (r["program"], r["hardness"]) == (program, hardness)]
        cells = {(run["of"], run["method"]): f"{run['auroc']:.2f}" for run in own}
        name = f"{program}, hardness {hardness:g} (error {own[0]['largest_error']:.0e})"
        rows.append([name, *(cells[column] for column in columns)])
    scores = table(["AUROC", *(f"{what}: {method}" for what, method in columns)], rows)
    found = []
    for one in dictionaries:
        name = f"{one['program']}, hardness {one['hardness']:g}"
        shares = (f"{one['recovered']:.2f} ± {one['reseed']:.2f}", f"{one['on_circuit']:.2f}")
        cells = (f"{one['features']:.0f}", f"{one['k']:.0f}", *shares, f"{one['cosine']:.2f}")
        found.append([name, *cells])
    head = ["trained dictionary", "features", "k", "recovered", "of the circuit", "mean cosine"]
    return scores + "\n\n" + table(head, found)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--programs", default="induction,previous_fraction,brackets,sort,greater_than"
    )
    parser.add_argument("--hardness", default="30,3")
    parser.add_argument("--inputs", type=int, default=64)
    parser.add_argument("--seeds", default="31,32,33", help="of rotations and inputs")
    parser.add_argument("--rows", type=int, default=400_000, help="of a trained dictionary")
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
