"""Which entries of a product stay: few of [rows, width], which never exists as a whole."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.kernels.autograd import gather_dot
from sparsetime.kernels.dispatch import backend, backend_name
from sparsetime.kernels.error_bounds import latent_errors, row_errors
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    NearTopKRule,
    Rule,
    ThresholdRule,
    TopKPerRowRule,
    TopKRule,
)
from sparsetime.support import Support


@torch.no_grad()
def select(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> Support:
    """The places that `rule` keeps of `x @ weight.T + bias`, multiplied in `dtype`.

    Selection has no gradient; `pre_activations` adds the exact, differentiable values at the
    places. 8-bit integers (`torch.int8`) only propose a quarter more places than the rule keeps,
    and the exact values at these decide.
    """
    return _selected(x, weight, bias, rule, dtype)[0]


@torch.no_grad()
def select_exactly(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> Support:
    """The places that `rule` keeps of exact float32 values, whatever the product is multiplied in.

    The product in `dtype` finds all places that its rounding leaves in doubt, exact values decide
    between them: a row's places depend on that row alone. With 8-bit integers the bound on the
    rounding is statistical: 8 standard deviations.
    """
    return _selected_exactly(x, weight, bias, rule, dtype)[0]


def pre_activations(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> tuple[Support, Float[Tensor, " entries"]]:
    """What `select` keeps, and the exact float32 values there, with gradients to all three."""
    support, dots = _selected(x, weight, bias, rule, dtype)
    return support, gather_dot(x, weight, support, dots) + bias[support.indices]


@torch.no_grad()
def exact_pre_activations(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> tuple[Support, Float[Tensor, " entries"]]:
    """What `select_exactly` keeps, and the float32 values there, without gradient."""
    support, dots = _selected_exactly(x, weight, bias, rule, dtype)
    return support, gather_dot(x, weight, support, dots) + bias[support.indices]


@torch.no_grad()
def _selected(
    x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype
) -> tuple[Support, Tensor | None]:
    """See `select`; with the dot products at the places, where they had to be computed."""
    if isinstance(rule, TopKPerRowRule) and dtype != torch.int8:
        return _narrowed(x, weight, bias, TopKRule(_most(rule)), rule, dtype)
    if dtype != torch.int8 or x.shape[0] == 0 or isinstance(rule, NearTopKRule):
        return backend(x).select(x, weight, bias, rule, dtype), None
    if backend_name(x.device) == "gpu":
        raise ConfigError(
            "selection in 8-bit integers was asked for on a GPU, where it is not there: choose "
            "bfloat16 or float32, or leave selection_dtype at auto"
        )
    match rule:
        case TopKRule(k) | AbsTopKRule(k) | BatchTopKRule(k):
            wider: Rule = replace(rule, k=k + max(4, k // 4))
        case TopKPerRowRule():
            wider = TopKRule(_most(rule) + max(4, _most(rule) // 4))
        case ThresholdRule(threshold):
            wider = ThresholdRule(threshold - latent_errors(x, weight, bias, dtype))
    return _narrowed(x, weight, bias, wider, rule, dtype)


def _selected_exactly(
    x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype
) -> tuple[Support, Tensor | None]:
    """See `select_exactly`; with the dot products at the places, where they were computed."""
    top = isinstance(rule, TopKRule | AbsTopKRule | TopKPerRowRule)
    if x.shape[0] == 0 or (top and backend_name(x.device) == "gpu"):
        return _selected(x, weight, bias, rule, torch.float32)
    match rule:
        case TopKRule(k) | AbsTopKRule(k):
            margin = 2 * row_errors(x, weight, bias, dtype)
            wider: Rule = NearTopKRule(k, margin, isinstance(rule, AbsTopKRule))
        case TopKPerRowRule():
            wider = NearTopKRule(_most(rule), 2 * row_errors(x, weight, bias, dtype))
        case ThresholdRule(threshold):
            errors = latent_errors(x, weight, bias.abs() + threshold.abs(), dtype)
            wider = ThresholdRule(threshold - errors)
        case _:
            raise TypeError(f"{rule} depends on more than a row: select it with `select`")
    return _narrowed(x, weight, bias, wider, rule, dtype)


def _most(rule: TopKPerRowRule) -> int:
    """The largest k of any row, and at least one."""
    return max(1, int(rule.k.max())) if rule.k.numel() else 1


def _narrowed(
    x: Tensor, weight: Tensor, bias: Tensor, wider: Rule, rule: Rule, dtype: torch.dtype
) -> tuple[Support, Tensor]:
    run = backend(x)
    proposed = run.select(x, weight, bias, wider, dtype)
    dots = run.gather_dot(x, weight, proposed)
    kept = run.kept(proposed, dots + bias[proposed.indices], rule)
    return proposed.take(kept), dots[kept]


@torch.no_grad()
def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """The k largest of each row of a small dense matrix, of either sign."""
    return backend(score).mask_of_largest(score, k)
