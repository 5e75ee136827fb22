"""Gradients of a metric of a model's output at many sites, in one forward and one backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.model_inputs import ModelInput, batch_and_time, forward_arguments
from sparsetime.interventions.patch import Patch
from sparsetime.interventions.site_exchange import exchange
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.site_tensors import as_batch_time_d, has_row_a_step

#: From the output of a model to one number a sequence, [batch], or one number.
OutputMetric: TypeAlias = Callable[[Any], Tensor]


@final
@dataclass(frozen=True, eq=False)
class SitePass:
    """A forward pass: the metric [batch], and by site activations and gradients [batch, time, d].

    gradients: of the metric summed over sequences, so that each is its own sequence's; empty where
    they were not asked for, zero at a site that the metric does not depend on.
    """

    metric: Float[Tensor, " batch"]
    activations: Mapping[str, Float[Tensor, "batch time d"]]
    gradients: Mapping[str, Float[Tensor, "batch time d"]]


def site_pass(
    model: nn.Module,
    inputs: ModelInput,
    sites: Sequence[str],
    metric: OutputMetric,
    gradients: bool = True,
    replace: Mapping[str, Patch] | None = None,
) -> SitePass:
    """Run the model once, and record a metric with its gradients at sites.

    inputs: tokens [batch, time] or [time], a tensor, or named arguments. replace: by site, a
    function from its activations to those that the model continues with; they are what is recorded.

    Errors: DataError where the metric is no number for each sequence, or the pass does not call a
    site; ConfigError where it calls one twice; MismatchError where a site has not one row a step.
    """
    arguments, named = forward_arguments(model, inputs)
    batch, time = batch_and_time(arguments, named)
    fits = has_row_a_step(batch, time)
    found: dict[str, Tensor] = {}
    patches = dict(replace or {})

    def visit(site: str) -> Callable[[Tensor], Tensor]:
        def visited(tensor: Tensor) -> Tensor:
            if site in found:
                raise ConfigError(
                    f"the site {site!r} is passed more than once in one forward pass; choose a "
                    "module that is called once"
                )
            x = as_batch_time_d(tensor, site, batch, time, advice="choose another site")
            y = patches[site](x).to(x) if site in patches else x
            # A sum with a variable of zeros: its gradient is that of the activations, and earlier
            # layers need none of their own where no parameter has one.
            found[site] = y if not gradients else y + torch.zeros_like(y).requires_grad_()
            return found[site].reshape(tensor.shape)

        return visited

    known = list(dict.fromkeys((*sites, *patches)))
    handles = [exchange(model, site, visit(site), fits) for site in known]
    try:
        with eval_mode(model), torch.set_grad_enabled(gradients):
            values = _numbers(metric(model(*arguments, **named)), batch)
    finally:
        for handle in handles:
            handle.remove()
    if lacking := [site for site in known if site not in found]:
        raise DataError(
            f"the site {lacking[0]!r} exists, but the forward pass does not call that module; "
            "choose a module that the forward pass calls"
        )
    slopes: dict[str, Tensor] = {}
    if gradients:
        if not values.requires_grad:
            raise DataError(
                "the metric does not depend on the activations of any site; compute it from the "
                "model's output, without detaching it"
            )
        listed = torch.autograd.grad(
            values.sum(), [found[site] for site in known], allow_unused=True
        )
        for site, slope in zip(known, listed, strict=True):
            slopes[site] = torch.zeros_like(found[site]) if slope is None else slope
    activations = {site: x.detach() for site, x in found.items()}
    return SitePass(values.detach(), activations, {k: v.detach() for k, v in slopes.items()})


def _numbers(values: Any, batch: int) -> Float[Tensor, " batch"]:
    """What a metric returned, as one number a sequence. Errors: DataError for anything else."""
    if isinstance(values, Tensor) and values.is_floating_point():
        if values.numel() == batch:
            return values.reshape(batch)
        if values.numel() == 1:
            return values.reshape(1)
    shape = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
    raise DataError(
        f"got {shape} from the metric for {batch} sequences, expected one number a sequence, "
        "[batch], or one number; sum or choose what it returns"
    )
