"""Checks of the first window of a capture: whether batches and padding change its activations."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from sparsetime.activations.capture.check_batch_axis import BatchCheck, Forward
from sparsetime.activations.capture.input_windows import InputWindow
from sparsetime.activations.capture.pass_settings import PassFacts
from sparsetime.models.row_clock import RowClock

_COMPARED, _ROWS_COMPARED = 512, 8  # input steps and rows that suffice to see what a model mixes


def check_batches(
    forward: Forward,
    windows: Sequence[InputWindow],
    batch: int,
    clock: RowClock,
    facts: PassFacts,
    is_plain: bool,
) -> dict[str, Tensor]:
    """The activations of one window, of which batches were checked to change nothing.

    facts: get whether windows may be padded. is_plain: whether all sites have a row a step.

    Errors: those of `BatchCheck`.
    """
    window = next((window for window in windows if window.length > 1), windows[0])
    facts.saw_longer_window = window.length > 1
    compared = max(_COMPARED, math.ceil(clock.first + _ROWS_COMPARED * clock.step))
    check = BatchCheck(forward, windows, window, batch, compared)
    check.one_by_one()
    check.together()
    facts.may_pad &= clock.follows != "decoder"
    if facts.may_pad and batch > 1:
        facts.may_pad = check.padding_changes_nothing()
    if is_plain:
        check.other_length()
    return check.alone
