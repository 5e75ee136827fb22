"""Settings of the synthetic testbed."""

from __future__ import annotations

from typing import final

from pydantic import Field, model_validator

from sparsetime.config import Settings


@final
class SyntheticSettings(Settings):
    """Number of features by kind, their dwell times, and how they are summed.

    Errors: ConfigError (by `sparsetime.config.validated`) or pydantic's ValidationError where the
    kinds need more latents than `width`.
    """

    sequences: int = Field(64, ge=1, description="independent sequences")
    time: int = Field(4096, ge=1, description="steps of each sequence")
    d: int = Field(64, ge=1, description="width of the activations; below `width`, superposition")
    width: int = Field(256, ge=1, description="latents of the true code")
    active: float = Field(8.0, gt=0, description="latents active at a time, if all were plain")
    zipf: float = Field(1.0, ge=0, description="exponent of the frequencies: rank ** -zipf")
    highest_frequency: float = Field(
        0.2, gt=0, le=0.5, description="no feature is active more often"
    )
    shortest: float = Field(1.0, ge=1, description="smallest mean dwell of a feature, in steps")
    longest: float = Field(500.0, ge=1, description="largest mean dwell; log-uniform in between")
    regularity: float = Field(
        1.0, gt=0, description="shape of a feature's dwell times: 1 geometric, larger more even"
    )
    families: int = Field(8, ge=0, description="parents")
    children: int = Field(3, ge=0, description="children of each parent, active only while it is")
    child_share: float = Field(
        0.3, gt=0, le=0.5, description="share of its parent's time that a child is active"
    )
    pairs: int = Field(8, ge=0, description="correlated pairs: a plain feature and a follower")
    pair_correlation: float = Field(
        0.7, ge=0, le=1, description="share of its leader's segments that a follower joins"
    )
    bidirectional: int = Field(8, ge=0, description="features whose segments have either sign")
    circles: int = Field(4, ge=0, description="features of two latents that rotate while active")
    fastest_circle: float = Field(8.0, gt=2, description="shortest period of a circle, in steps")
    slowest_circle: float = Field(200.0, gt=2, description="longest; log-uniform in between")
    states: int = Field(4, ge=1, description="values of the hidden slow state")
    state_dwell: float = Field(1000.0, ge=1, description="mean steps that a state lasts")
    state_features: int = Field(32, ge=0, description="fast features bound to one state each")
    state_leak: float = Field(
        0.05, ge=0, le=1, description="share of their segments that ignore the state"
    )
    spread: float = Field(0.3, ge=0, description="deviation of the log of a segment's activation")
    flutter: float = Field(
        0.1, ge=0, description="deviation of the log activation from step to step"
    )
    noise: float = Field(0.05, ge=0, description="deviation of the noise in each of d dimensions")
    seed: int = Field(0, ge=0, description="of all random draws")

    @model_validator(mode="after")
    def _kinds_fit(self) -> SyntheticSettings:
        if self.needed > self.width:
            raise ValueError(
                f"the kinds need {self.needed} latents and the width is {self.width}; ask for "
                "fewer, or for a larger width"
            )
        for low, high in (("shortest", "longest"), ("fastest_circle", "slowest_circle")):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} is above {high}; exchange them")
        return self

    @property
    def needed(self) -> int:
        """Latents of all kinds but the plain one."""
        families = self.families * (1 + self.children)
        return (
            families + 2 * self.pairs + self.bidirectional + 2 * self.circles + self.state_features
        )
