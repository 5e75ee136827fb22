"""A training that is interrupted at a step."""

from contextlib import contextmanager

import pytest

from sparsetime.training import job


@contextmanager
def interrupted_at(step, error=KeyboardInterrupt):
    """Within the block, a training raises `error` before its step `step`, which the block expects.

    step: counted from 1.
    """
    original = job.Job.train_step

    def train_step(self, batch, number, began):
        if number == step:
            raise error
        return original(self, batch, number, began)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(error):
        patch.setattr(job.Job, "train_step", train_step)
        yield
