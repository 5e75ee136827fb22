"""Patches: activations at a site replaced during a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.interventions.site_exchange import exchange
from sparsetime.models.site_tensors import as_batch_time_d, has_row_a_step
from sparsetime.tensors import ArrayLike, as_mask

Patch: TypeAlias = Callable[[Float[Tensor, "batch time d"]], Float[Tensor, "batch time d"]]
# A capture can have time on any axis; a patch is put back as [batch, time, d].
_ADVICE = "choose a site with this layout, such as the module around it"


@contextmanager
def patched(
    model: nn.Module,
    site: str,
    replace: Patch,
    batch: int,
    time: int,
    keep: ArrayLike | None = None,
) -> Iterator[None]:
    """Within the block, the model continues with `replace(x)` in place of the site's `x`.

    One forward pass of `batch` sequences of `time` steps is run in the block. `replace` maps the
    activations [batch, time, d], gradients included, to as many; its result is cast to the model's
    dtype and device. keep: [batch, time], True for steps at which `x` passes unchanged, such as
    special tokens that the dictionary was not trained on.

    Errors: UnknownNameError for a site that does not exist; MismatchError where the site has no
    row a step, or `replace` gives another shape; DataError where the pass does not call the site,
    or `keep` is no mask; ConfigError where the pass calls it more than once.
    """
    kept = None if keep is None else as_mask(keep, (batch, time), "keep")
    fits = has_row_a_step(batch, time)
    calls = 0

    def replaced(tensor: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        x = as_batch_time_d(tensor, site, batch, time, advice=_ADVICE)
        y = replace(x)
        if y.shape != x.shape:
            raise MismatchError(
                f"got {list(y.shape)} from `replace` for activations of shape {list(x.shape)} at "
                f"the site {site!r}, expected the same shape"
            )
        y = y.to(tensor)
        if kept is not None:
            y = torch.where(kept.to(x.device)[..., None], x, y)
        return y.reshape(tensor.shape)

    handle = exchange(model, site, replaced, fits)
    try:
        yield
    finally:
        handle.remove()
    if calls == 0:
        raise DataError(
            f"the site {site!r} exists, but the forward pass does not call that module, so nothing "
            f"was replaced; choose a module that the forward pass calls"
        )
    if calls > 1:
        raise ConfigError(
            f"the site {site!r} is passed {calls} times in one forward pass; choose a module that "
            f"is called once, for example the one around it"
        )
