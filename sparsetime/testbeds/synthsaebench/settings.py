"""Settings of SynthSAEBench; the defaults are those of SynthSAEBench-16k."""

from __future__ import annotations

from typing import final

from pydantic import Field, model_validator

from sparsetime.config import Settings


@final
class SynthSAEBenchSettings(Settings):
    """Number of features, their frequencies, tree, correlations and activation values.

    Source: Chanin and Garriga-Alonso, "SynthSAEBench" (arXiv 2602.14687), configuration 16k.
    Errors: pydantic's ValidationError where the roots of the trees are more than the features.
    """

    features: int = Field(16_384, ge=2, description="true features, from frequent to rare")
    d: int = Field(768, ge=2, description="width of the activations")
    zipf: float = Field(0.5, gt=0, description="exponent of the frequencies: rank ** -zipf")
    highest_frequency: float = Field(0.4, gt=0, lt=1, description="of the first feature")
    lowest_frequency: float = Field(5e-4, gt=0, lt=1, description="of the last feature")
    roots: int = Field(128, ge=0, description="trees; their roots are the most frequent features")
    branching: int = Field(4, ge=2, description="children of a parent, of which one is active")
    depth: int = Field(3, ge=1, description="levels of children below a root")
    correlation_rank: int = Field(25, ge=1, description="rank of the features' correlation")
    correlation_scale: float = Field(0.1, ge=0, description="deviation of the factors' entries")
    orthogonalise_steps: int = Field(100, ge=0, description="steps of Adam on squared cosines")
    orthogonalise_rate: float = Field(3e-4, gt=0, description="learning rate of these steps")
    highest_value: float = Field(5.0, gt=0, description="mean activation of the first feature")
    lowest_value: float = Field(
        4.0, gt=0, description="mean activation of the last; linear between"
    )
    mean_spread: float = Field(
        0.5, ge=0, description="a feature's deviation is |N(mean_spread, spread_spread^2)|"
    )
    spread_spread: float = Field(0.5, ge=0, description="see mean_spread")
    bias_norm: float = Field(1.0, ge=0, description="norm of the offset of all activations")
    seed: int = Field(0, ge=0, description="of features, correlations and activation values")

    @model_validator(mode="after")
    def _consistent(self) -> SynthSAEBenchSettings:
        if self.roots > self.features:
            raise ValueError(
                f"got {self.roots} roots and {self.features} features, expected at most as many "
                "roots as features; ask for fewer roots"
            )
        if self.lowest_frequency >= self.highest_frequency:
            raise ValueError(
                f"got lowest_frequency={self.lowest_frequency} and "
                f"highest_frequency={self.highest_frequency}, expected the first below the second; "
                "exchange them"
            )
        return self
