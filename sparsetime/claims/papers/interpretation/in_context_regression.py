"""In-context linear regression: weight patterns of multi-head softmax attention."""

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.in_context_regression import (
    D,
    attention_error,
    regression_prompts,
    ridge_error,
    trained_regression,
)

HEADS, LENGTH, LONGER, STEPS, TESTED = 4, 40, 120, 2_000, 4_000


@claim(
    "in_context_regression",
    system=279,
    says="Four trained heads have diagonal query-key maps and output-value weights that sum to "
    "zero, err less than one head, at most 2.5 times as much as ridge regression, and less still "
    "on prompts three times as long.",
    data="made regressions on 5 covariates from 40 examples, with new weights in every prompt",
    expects=[
        AtLeast("diagonal share of query-key maps", than=0.6),
        AtMost("sum of output-value weights, of their sizes", than=0.1),
        Less("error of four heads", than="error of one head"),
        AtMost("error of four heads", than="error of ridge regression", times=2.5),
        Less("error of four heads, longer prompts", than="error of four heads"),
    ],
    seconds=45,
    rule="Trained heads show diagonal query-key and zero-sum output-value patterns, beat one head, "
    "approach ridge error, and extend to longer prompts.",
    notes="One attention layer, trained for 2,000 steps where the paper trains for far longer. "
    "Diagonal share: absolute sum of the diagonal of the covariates' block over that of the block, "
    "0.2 without a pattern. Errors are mean squared ones of the query's target, whose variance is "
    "1.1. Two heads often stay alike in so short a training, so that four are trained.",
    null=lambda lab, seed: _values(seed, related=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Four heads and one head, trained alike; no dictionary."""
    return _values(seed)


def _values(seed: int, related: bool = True) -> dict[str, float]:
    """related: False for the null, in which targets in training belong to other prompts."""
    four, one = (
        trained_regression(heads, seed, steps=STEPS, length=LENGTH, related=related)
        for heads in (HEADS, 1)
    )
    block = four.query_key.detach()[:, :D, :D].abs()
    diagonal = block.diagonal(dim1=1, dim2=2).sum() / block.sum()
    weights = four.output_value.detach()[:, D, D]
    z, y = regression_prompts(TESTED, LENGTH, seeds.torch_generator(seed, "planted codes", "test"))
    rng = seeds.torch_generator(seed, "planted codes", "longer")
    longer = regression_prompts(TESTED, LONGER, rng)
    return {
        "diagonal share of query-key maps": float(diagonal),
        "sum of output-value weights, of their sizes": float(
            weights.sum().abs() / weights.abs().sum()
        ),
        "error of four heads": attention_error(four, z, y),
        "error of one head": attention_error(one, z, y),
        "error of ridge regression": ridge_error(z, y),
        "error of four heads, longer prompts": attention_error(four, *longer),
        "error of ridge regression, longer prompts": ridge_error(*longer),
    }
