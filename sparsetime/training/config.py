"""The settings of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from sparsetime.activations.sampling.batching import WINDOW
from sparsetime.activations.sampling.buffer_bytes import parse_bytes
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.config import Settings
from sparsetime.training.plan import RunPlan

# The learning rate falls with the fourth root of the number of steps between these two, and with
# the square root beyond.
_SHORT, _LONG = 100, 4_000
_SHORT_RUN, _LEAST = 2.8e-3, 2e-4  # learning rates at width 2^14
_LARGE = 2048  # rows of a batch from which on it does not depend on them


class TrainConfig(Settings):
    """How a dictionary is trained. Every default works on a laptop.

    One `row` is one activation (of a pair, the later one). Fields that are None are derived from
    the others, as their descriptions say.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "warmup": "lr_warmup",
        "decay": "lr_decay",
        "clip": "grad_clip",
    }

    rows: PositiveInt = Field(1_000_000, description="activations to train on, epochs included")
    batch: PositiveInt = Field(4096, description="activations in one step")
    learning_rate: PositiveFloat | None = Field(
        None,
        description="Adam's step size at its peak; None: 2e-4 / sqrt(width / 16384), more where "
        "there are fewer than 125,000 steps, less where a batch has fewer than 2,048 rows or "
        "atoms extend over a window",
    )
    lr_warmup: float = Field(0.05, ge=0, lt=1, description="share of steps with a rising rate")
    lr_decay: float = Field(
        0.2, ge=0, le=1, description="share of steps, last, with a falling rate"
    )
    grad_clip: PositiveFloat = Field(1.0, description="largest Euclidean norm of all gradients")
    dead_after: PositiveInt | None = Field(
        None,
        description="rows without firing until a latent counts as dead; None: those in which an "
        "average latent fires 32 times",
    )
    exclude_first: NonNegativeInt = Field(
        0, description="first steps of every sequence that are left out, such as attention sinks"
    )
    exclude_tokens: tuple[int, ...] = Field((), description="tokens whose steps are left out")
    exclude_norm: float | None = Field(
        None,
        gt=1,
        description="leave out steps whose activation is longer than this many times the median",
    )
    robust_scale: bool = Field(
        False,
        description="scale activations by the median of their squared distances from the median, "
        "which few long ones do not move, in place of the mean",
    )
    lag: PositiveInt | tuple[PositiveInt, PositiveInt] = Field(
        1,
        description="steps between the two rows of a pair; two numbers: any from the first to the "
        "second, at random",
    )
    window: PositiveInt = Field(
        WINDOW, description="steps of a segment, for dictionaries that look at time"
    )
    seed: int = Field(0, description="of the order of the batches")
    selection_dtype: Literal["auto", "int8", "bfloat16", "float32"] = Field(
        "auto",
        description="what the selection product is multiplied in; auto: what this machine "
        "measured to be fastest",
    )
    checkpoint_every: PositiveInt | None = Field(
        None, description="steps between checkpoints; None: ten over the run"
    )
    log_every: PositiveInt = Field(10, description="steps between lines of metrics.jsonl")
    snapshots: NonNegativeInt = Field(
        0,
        description="dictionaries kept during training, at log-spaced steps; each takes as much "
        "room as the trained one",
    )
    shuffle_buffer: str | PositiveInt | None = Field(
        None,
        description="memory in which batches are mixed, such as 256MB; None: 512 MB, or less where "
        "less than 2 GB are left; an interrupted run keeps its own",
    )

    @field_validator("shuffle_buffer")
    @classmethod
    def _is_size(cls, shuffle_buffer: str | int | None) -> str | int | None:
        if shuffle_buffer is not None:
            parse_bytes(shuffle_buffer)
        return shuffle_buffer

    @field_validator("snapshots")
    @classmethod
    def _fit(cls, snapshots: int, info: ValidationInfo) -> int:
        rows, batch = info.data.get("rows"), info.data.get("batch")
        if rows and batch and snapshots >= (steps := -(-rows // batch)):
            raise ValueError(
                f"expected at most {steps - 1}: {rows:,} rows in batches of {batch:,} are {steps} "
                "steps, and after the last of them stands the dictionary itself"
            )
        return snapshots

    @property
    def exclusion(self) -> StepExclusion:
        """The steps that are left out."""
        return StepExclusion(self.exclude_first, self.exclude_tokens, self.exclude_norm)

    @property
    def steps(self) -> int:
        """Optimiser steps, the last batch being full."""
        return max(1, -(-self.rows // self.batch))

    @property
    def plan(self) -> RunPlan:
        """The length of the run, and the steps after which it logs and saves."""
        return RunPlan(
            self.steps, self.batch, self.log_every, self.checkpoint_steps, self.snapshot_steps
        )

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """The numbers of steps after which a snapshot is kept, ascending; 1 is the first.

        Features form early, so the numbers are log-spaced: round(steps^(i / snapshots)), and at
        least one step apart.
        """
        numbers: list[int] = []
        for i in range(self.snapshots):
            spaced = round(self.steps ** (i / self.snapshots))
            numbers.append(max(spaced, numbers[-1] + 1 if numbers else 1))
        return tuple(numbers)

    def rate(self, width: int, window: int = 1) -> float:
        """The peak learning rate for a dictionary of this width, whose atoms extend over `window`.

        (width / 2^14)^(-1/2) min(1, batch / 2048)^(1/3) max(2e-4, 2.8e-3 f) / window,
        f = (100 / n)^(1/4) for n up to 4,000 steps, (1/40)^(1/4) (4000 / n)^(1/2) beyond

        n: the steps, at least 100. The law in the width and the least rate are those of Gao et al.
        (2024, arXiv:2406.04093) for long runs. The rest was measured here (docs/performance.md,
        `benchmarks/learning_rate.py`). Short runs need larger steps: the fourth root was best or
        nearly so for 98 to 3,906 steps; what lies between 4,000 steps and the least rate was not
        measured. Small batches are noisy, most of all for nested dictionaries: the cube root was
        within 3% of the best error for 64, 256 and 1,024 rows of text, code and synthetic features.
        On time series a lower rate was better. A pre-activation of a window sums `window` times as
        many products, so a step of the same size moves it as many times further.
        """
        if self.learning_rate is not None:
            return self.learning_rate
        steps = max(_SHORT, self.steps)
        short_run_scale = (_SHORT / min(_LONG, steps)) ** 0.25 * min(1.0, _LONG / steps) ** 0.5
        small_batch_scale = min(1.0, self.batch / _LARGE) ** (1 / 3)
        at_width = max(_LEAST, _SHORT_RUN * short_run_scale)
        rate: float = at_width / (width / 2**14) ** 0.5 * small_batch_scale / window
        return rate

    @property
    def checkpoint_steps(self) -> int:
        return self.checkpoint_every or max(1, self.steps // 10)


def upgrade_saved_config(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The config that a file of an earlier version holds, under the keys of `TrainConfig` now."""
    config = {TrainConfig.renamed.get(key, key): value for key, value in saved.items()}
    # Runs from before these settings existed are as if they had the defaults.
    later = ("snapshots", "shuffle_buffer", "exclude_first", "exclude_norm", "robust_scale")
    defaults = {name: TrainConfig.model_fields[name].default for name in later}
    return {**defaults, "exclude_tokens": [], **config}
