"""False-discovery rate over many tests: p-values of a pooled null, and Benjamini-Hochberg."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_STRATA = 8
_FEWEST = 50  # tests of a stratum
_ROUNDING = 1e-5


def benjamini_hochberg(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """q-values: the smallest false-discovery rate at which each test is rejected.

        q_(i) = min_{j >= i} m p_(j) / j,    p_(1) <= ... <= p_(m)

    NaN stays NaN and is no test. Source: Benjamini and Hochberg 1995, "Controlling the false
    discovery rate".
    """
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    return q


def pooled_p_values(
    observed: Float[np.ndarray, " tests"],
    null: Float[np.ndarray, "tests draws"],
    size: Float[np.ndarray, " tests"],
) -> Float[np.ndarray, " tests"]:
    """One-sided p-values (large is extreme) whose null is pooled over tests of a like size.

    Each value is standardised by the mean and the standard deviation of its own test's draws, a
    draw by those of the other draws. Then, over the draws of all tests of the stratum,

        p = (1 + #{null z >= z}) / (1 + #{null z}).

    So the smallest p-value is 1 / (tests x draws), which a correction for thousands of tests needs,
    and not 1 / draws. size: what the shape of the null depends on, such as how often a feature is
    active; strata are quantiles of it. Tests whose value or size is NaN are none.

    Source: Tusher et al. 2001, "Significance analysis of microarrays"; Storey and Tibshirani 2003.
    """
    p = np.full(len(observed), np.nan)
    tested = np.flatnonzero(np.isfinite(observed) & np.isfinite(size) & np.isfinite(null).all(1))
    if not len(tested) or null.shape[1] < 3:
        return p
    for members in _strata(size[tested]):
        tests = tested[members]
        z, null_z = _standardised(observed[tests], null[tests])
        pool = np.sort(null_z.reshape(-1))
        above = len(pool) - np.searchsorted(pool, z.astype(pool.dtype), side="left")
        p[tests] = (1 + above) / (1 + len(pool))
    return p


def _strata(size: Float[np.ndarray, " tests"]) -> list[Int[np.ndarray, " members"]]:
    """Tests by quantile of their size: at most 8 strata of at least 50."""
    count = max(1, min(_STRATA, len(size) // _FEWEST))
    return np.array_split(np.argsort(size, kind="stable"), count)


def _standardised(
    observed: Float[np.ndarray, " tests"], null: Float[np.ndarray, "tests draws"]
) -> tuple[Float[np.ndarray, " tests"], Float[np.ndarray, "tests draws"]]:
    """Z-scores of values and draws, each by mean and deviation of the (other) draws."""
    draws = null.shape[1]
    centre = null.mean(1, dtype=np.float64)
    # About 0, so that float32 keeps digits. Draws that are all alike differ by rounding alone.
    offset = _beyond_rounding(null - centre[:, None], centre[:, None]).astype(np.float32)
    deviation = _beyond_rounding(observed.astype(null.dtype) - centre, centre)
    squares = np.square(offset, dtype=np.float32).sum(1, dtype=np.float64)
    spread = np.sqrt(squares / (draws - 1))
    z = _ratio(deviation, spread)
    # Without draw i: the mean of the others is -o_i / (D - 1), their squares lose o_i^2.
    rest = squares[:, None] - np.square(offset, dtype=np.float32) * (draws / (draws - 1))
    spread_of_rest = np.sqrt(np.maximum(rest, 0) / (draws - 2), dtype=np.float32)
    return z, _ratio(offset * np.float32(draws / (draws - 1)), spread_of_rest)


def _beyond_rounding(
    offset: Float[np.ndarray, "*shape"], centre: Float[np.ndarray, "*#shape"]
) -> Float[np.ndarray, "*shape"]:
    """The offsets from a centre, 0 where they are within the rounding of float32."""
    return np.where(np.abs(offset) <= _ROUNDING * np.abs(centre), 0.0, offset)


def _ratio(
    over: Float[np.ndarray, "*shape"], under: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Over / under; where under is 0 an infinity of the sign of over, or 0."""
    out = np.where(over > 0, np.inf, np.where(over < 0, -np.inf, 0.0)).astype(over.dtype)
    return np.asarray(np.divide(over, under, out=out, where=under > 0))
