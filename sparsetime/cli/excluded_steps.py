"""Steps that commands leave out, as keys of a run file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sparsetime.config import Settings

if TYPE_CHECKING:
    from sparsetime.activations.step_exclusion import StepExclusion


class ExcludedSteps(Settings):
    """Steps to leave out: the first ones, those with given tokens, those of a large norm.

    `exclude_norm` is a multiple of the median norm; `exclude_norm_limit` is the longest norm kept,
    in place of one that is measured.
    """

    exclude_first: int = Field(default=0, ge=0)
    exclude_tokens: tuple[int, ...] = ()
    exclude_norm: float | None = Field(default=None, gt=1)
    exclude_norm_limit: float | None = Field(default=None, gt=0)

    def exclusion(self) -> StepExclusion | None:
        """The steps to leave out; None where no key says any."""
        from sparsetime.activations.step_exclusion import StepExclusion

        if not set(ExcludedSteps.model_fields) & self.model_fields_set:
            return None
        return StepExclusion(
            self.exclude_first, self.exclude_tokens, self.exclude_norm, self.exclude_norm_limit
        )
