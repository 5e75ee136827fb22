"""The scale of raw activations, kept with the dictionary: `encode` takes them as they are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.errors import DataError

_DOUBTFUL = 1e-6  # of the largest norm: a spread that may be rounding in float32
_EQUAL = 1e-5  # of the spread: what the iteration leaves of equal rows
_ROUNDING = 1e-9  # of the largest norm, far below the resolution of float32


class Normalisation(nn.Module):
    """Divides activations by one number, so that their mean squared distance from the mean is 1.

    One scale for all models lets learning rates, thresholds and loss weights mean the same
    everywhere; a single number changes no direction and no relation between dimensions.

    sites: the dimensions of the sites that the activations join, where there are several: each
    has a scale of its own, and so an equal share of the whole.
    """

    scale: Tensor

    def __init__(self, sites: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.sites = sites
        many_sites = len(sites) > 1
        self.register_buffer("scale", torch.ones(sum(sites)) if many_sites else torch.tensor(1.0))

    @torch.no_grad()
    def fit(self, x: Float[Tensor, "rows d"], robust: bool = False) -> None:
        """Measure the scale on a sample of raw activations.

        scale^2 = mean over rows of ||x - mean(x)||^2; `robust`: the median over rows of
        ||x - geometric median(x)||^2, which few long rows do not move.

        Errors: DataError where all rows are the same, because there is nothing to explain, and
        where float32 does not hold the scale.
        """
        spreads = [
            _spread(part, robust) for part in x.split(list(self.sites or (x.shape[1],)), dim=1)
        ]
        if len(spreads) == 1:
            self.scale.copy_(spreads[0])
            return
        even = len(spreads) ** 0.5
        parts = [spread.expand(d) * even for spread, d in zip(spreads, self.sites, strict=True)]
        self.scale.copy_(torch.cat(parts))

    def normalise(self, x: Float[Tensor, "*rows d"]) -> Float[Tensor, "*rows d"]:
        normalised: Tensor = x / self.scale
        return normalised

    def restore(self, x: Float[Tensor, "*rows d"]) -> Float[Tensor, "*rows d"]:
        restored: Tensor = x * self.scale
        return restored


def _spread(x: Float[Tensor, "rows d"], robust: bool) -> Float[Tensor, ""]:
    spread = (x - x.mean(0)).square().sum(1).mean().sqrt()
    if not (torch.isfinite(spread) and spread > _DOUBTFUL * x.norm(dim=1).max()):
        # Squares of finite numbers may be too large or too small for float32, and not for float64;
        # and the mean of equal rows is not always equal to them.
        exact = x.double()
        spread = (exact - exact.mean(0)).square().sum(1).mean().sqrt()
        if spread <= _ROUNDING * exact.norm(dim=1).max():
            spread = torch.zeros_like(spread)  # the mean of equal rows, rounded
    if not spread > 0:
        raise DataError(
            f"all {x.shape[0]} sampled activations are the same vector, so there is no "
            "variance to explain; check that the site's output depends on the input"
        )
    if robust:
        exact = x.double()
        median = (exact - geometric_median(exact)).square().sum(1).median().sqrt()
        # The iteration ends near the median, so that equal rows are at nearly no distance from it.
        if not median > _EQUAL * spread:
            raise DataError(
                f"half of the {x.shape[0]} sampled activations or more are the same vector, so "
                "their median distance is 0; leave robust_scale out"
            )
        spread = median
    limits = torch.finfo(torch.float32)
    if not limits.tiny <= spread <= limits.max:
        raise DataError(
            f"the sampled activations lie {float(spread):.1e} from their mean on average, which "
            f"float32 does not hold; multiply them by {10.0 ** -round(float(spread.log10())):.0e}"
        )
    return spread.to(x.dtype)


@torch.no_grad()
def geometric_median(
    x: Float[Tensor, "rows d"], iterations: int = 50, tolerance: float = 1e-6
) -> Float[Tensor, " d"]:
    """The point with the least summed Euclidean distance to all rows, by Weiszfeld's iteration.

    Outlying rows pull it far less than they pull the mean, which makes it the better start for a
    dictionary's offset (Bricken et al. 2023, Towards Monosemanticity).
    """
    point = x.mean(0)
    for _ in range(iterations):
        weight = 1 / (x - point).norm(dim=1).clamp_min(1e-8)
        moved: Tensor = (x * weight[:, None]).sum(0) / weight.sum()
        if (moved - point).norm() <= tolerance * point.norm().clamp_min(1e-8):
            return moved
        point = moved
    return point
