"""Selection of pre-activations by a rule, without a [rows, width] tensor."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.kernels.autograd import pre_activations_at
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
    """Support of the entries that `rule` keeps of `x @ weight.T + bias`, multiplied in `dtype`.

    Selection has no gradient; `pre_activations` adds exact, differentiable values. With 8-bit
    integers (`torch.int8`) the product proposes a quarter more entries than the rule keeps, and
    exact values at these decide.

    Errors: ConfigError for 8-bit integers on a GPU.
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
    """Support of the entries that `rule` keeps of exact float32 values, whatever `dtype` is.

    The product in `dtype` proposes all entries that its rounding error leaves undecided, and exact
    values decide between them, so the entries of a row depend on that row alone. With 8-bit
    integers the bound on the rounding error is statistical: 8 standard deviations.

    Errors: TypeError for a rule that depends on more than a row.
    """
    return _selected_exactly(x, weight, bias, rule, dtype)[0]


def pre_activations(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> tuple[Support, Float[Tensor, " entries"]]:
    """The support of `select` and its exact float32 values, with gradients to all three."""
    support, pre = _selected(x, weight, bias, rule, dtype)
    return support, pre_activations_at(x, weight, bias, support, pre)


@torch.no_grad()
def exact_pre_activations(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    rule: Rule,
    dtype: torch.dtype = torch.float32,
) -> tuple[Support, Float[Tensor, " entries"]]:
    """The support of `select_exactly` and its float32 values, without gradient."""
    support, pre = _selected_exactly(x, weight, bias, rule, dtype)
    return support, pre_activations_at(x, weight, bias, support, pre)


@torch.no_grad()
def _selected(
    x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype
) -> tuple[Support, Tensor | None]:
    """The support of `select`, with its pre-activations where selection computed them."""
    if isinstance(rule, TopKPerRowRule) and dtype != torch.int8:
        return _narrowed(x, weight, bias, TopKRule(_largest_k(rule)), rule, dtype)
    if dtype != torch.int8 or x.shape[0] == 0 or isinstance(rule, NearTopKRule):
        return backend(x).select(x, weight, bias, rule, dtype), None
    if backend_name(x.device) == "gpu":
        raise ConfigError(
            "got selection in 8-bit integers on a GPU, expected bfloat16 or float32; set "
            "selection_dtype to one of these, or leave it at auto"
        )
    match rule:
        case TopKRule(k) | AbsTopKRule(k) | BatchTopKRule(k):
            wider: Rule = replace(rule, k=k + max(4, k // 4))
        case TopKPerRowRule():
            wider = TopKRule(_largest_k(rule) + max(4, _largest_k(rule) // 4))
        case ThresholdRule(threshold):
            wider = ThresholdRule(threshold - latent_errors(x, weight, bias, dtype))
    return _narrowed(x, weight, bias, wider, rule, dtype)


def _selected_exactly(
    x: Tensor, weight: Tensor, bias: Tensor, rule: Rule, dtype: torch.dtype
) -> tuple[Support, Tensor | None]:
    """The support of `select_exactly`, with its pre-activations where selection computed them."""
    if x.shape[0] == 0:
        return _selected(x, weight, bias, rule, torch.float32)
    match rule:
        case TopKRule(k) | AbsTopKRule(k):
            margin = 2 * row_errors(x, weight, bias, dtype)
            wider: Rule = NearTopKRule(k, margin, isinstance(rule, AbsTopKRule))
        case TopKPerRowRule():
            wider = NearTopKRule(_largest_k(rule), 2 * row_errors(x, weight, bias, dtype))
        case ThresholdRule(threshold):
            errors = latent_errors(x, weight, bias.abs() + threshold.abs(), dtype)
            wider = ThresholdRule(threshold - errors)
        case _:
            raise TypeError(
                f"got {rule}, which depends on more than a row, expected a rule of single rows; "
                "use kernels.select"
            )
    return _narrowed(x, weight, bias, wider, rule, dtype)


def _largest_k(rule: TopKPerRowRule) -> int:
    """The largest k of any row, at least 1."""
    return max(1, int(rule.k.max())) if rule.k.numel() else 1


def _narrowed(
    x: Tensor, weight: Tensor, bias: Tensor, wider: Rule, rule: Rule, dtype: torch.dtype
) -> tuple[Support, Tensor]:
    """Entries that `rule` keeps by exact values, of those that `wider` keeps in `dtype`."""
    run = backend(x)
    proposed = run.select(x, weight, bias, wider, dtype)
    pre = pre_activations_at(x, weight, bias, proposed)
    kept = run.kept_entries(proposed, pre, rule)
    return proposed.take(kept), pre[kept]


@torch.no_grad()
def mask_of_largest(score: Float[Tensor, "rows some"], k: int) -> Bool[Tensor, "rows some"]:
    """Mask of the k largest entries of each row of a small dense matrix, of either sign."""
    return backend(score).mask_of_largest(score, k)
