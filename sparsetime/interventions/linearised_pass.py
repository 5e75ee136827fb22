"""Linearised pass: a forward pass that is affine in the activations of the sites that write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.frozen_functions import FrozenFunctions, FrozenValue
from sparsetime.interventions.model_inputs import ModelInput
from sparsetime.interventions.nonlinear_modules import nonlinear_modules
from sparsetime.interventions.split_pass import Carried, SplitPass
from sparsetime.models.site_tensors import output_activation
from sparsetime.models.sites import WHOLE_MODEL

_TOLERANCE = 1e-4  # of the largest value: of float32, over some tens of layers
_AT_ONCE = 256  # covectors of one batched backward pass


@final
@dataclass(frozen=True)
class Guards:
    """How exact a linearised pass is; each is a share of the largest value, but the last.

    output: largest difference of the model's output from the plain pass. affine: largest second
    difference f(x + d) + f(x - d) - 2 f(x) of any read over random d, of which piecewise linear
    functions have one too. sums: largest difference of a read from constant + sum of gradient ·
    write. hessian: norm of the second derivative of a random sum of all reads.
    """

    output: float
    affine: float
    sums: float
    hessian: float


@final
class LinearisedPass:
    """A forward pass with frozen patterns and scales: every read is affine in every write.

        read = constant + sum over writes of J_w w

    writes: by site [batch, time, d], in the order of the model. reads: likewise. frozen: what was
    held fixed. guards: how exact that is.
    """

    def __init__(
        self, split: SplitPass, mode: FrozenFunctions, output_difference: float, output: Tensor
    ) -> None:
        self._split = split
        self.writes = split.leaves
        self.reads = split.read
        self.frozen: list[FrozenValue] = mode.values
        self.frozen_counts = mode.summary()
        self.output = output
        self._output_difference = output_difference

    def gradients(
        self, read: str, covectors: Float[Tensor, "targets batch time d"]
    ) -> dict[str, Float[Tensor, "targets batch time d_write"]]:
        """Gradients of sums of a read, one for each covector, at every write that reaches it.

        g[n] = d (sum over batch, time, d of covectors[n] · read) / d write
        """
        names = list(self.writes)
        found: dict[str, list[Tensor]] = {}
        for some in covectors.split(_AT_ONCE):
            gradients = torch.autograd.grad(
                self.reads[read],
                [self.writes[name] for name in names],
                some,
                retain_graph=True,
                allow_unused=True,
                is_grads_batched=True,
            )
            for name, gradient in zip(names, gradients, strict=True):
                if gradient is not None:
                    found.setdefault(name, []).append(gradient)
        return {name: torch.cat(parts) for name, parts in found.items()}

    def at(self, writes: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The reads for other activations of the writes, with the same frozen values.

        writes: by site [batch, time, d]; a site that is left out keeps its activations.
        """
        split = self._split
        run = SplitPass(
            split.model, split.inputs, list(split.writes), list(split.reads), split.carried
        )
        with torch.no_grad():
            run.run(FrozenFunctions(self.frozen), {**self.writes, **writes})
        return {name: value.detach() for name, value in run.read.items()}

    @cached_property
    def constants(self) -> dict[str, Float[Tensor, "batch time d"]]:
        """The reads where all writes are zero: what biases and positions give."""
        return self.at({name: torch.zeros_like(x) for name, x in self.writes.items()})

    @cached_property
    def guards(self) -> Guards:
        """How exact the pass is; computed once.

        Source of the Hessian: a function is affine if and only if its second derivative is zero.
        """
        draw = seeds.torch_generator(0, "perturbation of a linearised pass")
        moves = {
            name: torch.randn(x.shape, generator=draw).to(x) * x.detach().square().mean().sqrt()
            for name, x in self.writes.items()
        }
        up = self.at({name: x.detach() + moves[name] for name, x in self.writes.items()})
        down = self.at({name: x.detach() - moves[name] for name, x in self.writes.items()})
        covectors = {
            name: torch.randn(x.shape, generator=draw).to(x) for name, x in self.reads.items()
        }
        affine, sums = 0.0, 0.0
        for name, read in self.reads.items():
            value = read.detach()
            size = float(torch.stack([up[name], down[name], value]).abs().max())
            bent = up[name] + down[name] - 2 * value
            affine = max(affine, _share(float(bent.abs().max()), size))
            if not read.requires_grad:  # nothing that writes reaches it
                continue
            gradients = self.gradients(name, covectors[name][None])
            terms = [(g[0] * self.writes[w].detach()) for w, g in gradients.items()]
            constant = covectors[name] * self.constants[name]
            total = sum(float(term.double().sum()) for term in (*terms, constant))
            exact = float((covectors[name] * value).double().sum())
            size = sum(float(term.double().square().sum()) for term in (*terms, constant)) ** 0.5
            sums = max(sums, _share(abs(total - exact), max(size, abs(exact))))
        return Guards(self._output_difference, affine, sums, self._hessian(covectors))

    def check(self) -> Guards:
        """The guards. Errors: DataError where one is above 1e-4, or the Hessian is not 0."""
        guards = self.guards
        model = type(self._split.model).__name__
        if guards.output > _TOLERANCE:
            raise DataError(
                f"the output of {model} differs by {guards.output:.1e} of its largest value once "
                f"patterns and scales are frozen, expected at most {_TOLERANCE:.0e}; run the model "
                "in float32 and with attn_implementation='eager'"
            )
        if max(guards.affine, guards.sums, guards.hessian) > _TOLERANCE:
            raise DataError(
                f"the linearised pass of {model} is not affine: second difference "
                f"{guards.affine:.1e}, error of sums {guards.sums:.1e}, Hessian "
                f"{guards.hessian:.1e}, expected at most {_TOLERANCE:.0e}; add the module that is "
                "not affine to the writes, or replace it by a transcoder"
            )
        return guards

    def _hessian(self, covectors: Mapping[str, Tensor]) -> float:
        """The norm of d²(sum of covectors · reads) / d writes², along a random direction."""
        connected = [name for name, read in self.reads.items() if read.requires_grad]
        leaves = list(self.writes.values())
        if not connected:
            return 0.0
        first = torch.autograd.grad(
            [self.reads[name] for name in connected],
            leaves,
            [covectors[name] for name in connected],
            create_graph=True,
            retain_graph=True,
            allow_unused=True,
        )
        bent = [g for g in first if g is not None and g.requires_grad]
        if not bent:
            return 0.0
        second = torch.autograd.grad(
            [g.sum() for g in bent], leaves, retain_graph=True, allow_unused=True
        )
        norms = [float(g.double().square().sum()) for g in second if g is not None]
        return float(sum(norms) ** 0.5)


def linearised_pass(
    model: nn.Module,
    inputs: ModelInput,
    writes: Sequence[str] = (),
    reads: Sequence[str] | None = None,
    find: bool = True,
    carried: Carried | None = None,
) -> LinearisedPass:
    """A pass in which attention patterns, normalisation scales and gates are frozen.

    Values are those of the model. Any torch module is taken: what has to be frozen or cut is found
    by running it, and not in a list of architectures.

    inputs: tokens [batch, time] or [time], a tensor, or named arguments. writes: sites whose
    activations are the variables. reads: sites that are affine functions of them; None for the
    logits, `unembedding(model)`. find: adds the
    token embedding, and every module of a layer that is not affine (its MLP, say), to the writes.
    carried: by write, a linear function of the reads so far that is part of what is written; the
    variable is the rest.

    Errors: DataError where the pass is not affine even so, with its guards; ConfigError for a
    model that is not in float32 or float64, and those of `SplitPass`.
    """
    _check_precision(model)
    read = [unembedding(model)] if reads is None else list(reads)
    cut = nonlinear_modules(model, inputs, writes, read) if find else list(writes)
    split = SplitPass(model, inputs, cut, read, carried)
    plain = output_activation(split.plain(), WHOLE_MODEL)
    mode = FrozenFunctions()
    output = output_activation(split.run(mode), WHOLE_MODEL).detach()
    difference = _share(float((output - plain).abs().max()), float(plain.abs().max()))
    linearised = LinearisedPass(split, mode, difference, output)
    linearised.check()
    return linearised


def unembedding(model: nn.Module) -> str:
    """The site of the logits: the output of the model's head, or of the whole model.

    What a model does to its logits afterwards, such as a soft cap, is no part of the head.
    """
    getter = getattr(model, "get_output_embeddings", None)
    head = getter() if callable(getter) else None
    own = (path for path, module in model.named_modules() if head is not None and module is head)
    return next(own, WHOLE_MODEL)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else part


def _check_precision(model: nn.Module) -> None:
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    if other := dtypes - {torch.float32, torch.float64}:
        raise ConfigError(
            f"got a model with weights in {', '.join(sorted(map(str, other)))}, expected float32 "
            "or float64, in which sums are exact to 1e-4; call model.float() first"
        )
