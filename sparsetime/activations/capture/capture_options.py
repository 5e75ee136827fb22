"""Keyword arguments of `capture`, which its overloads share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import torch

from sparsetime.activations.annotations.table_file import TableLike
from sparsetime.activations.capture.document import Times
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.models.row_layout import FeatureMap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from sparsetime.activations.store.store import Store


class CaptureOptions(TypedDict, total=False):
    """Settings of a capture; `capture` documents them."""

    labels: TableLike | Iterable[Mapping[str, Any]] | None
    events: Any | None
    times: Iterable[Times] | None
    tokenizer: PreTrainedTokenizerBase | None
    window: int | None
    overlap: int
    batch: int
    dtype: str
    time_axis: int
    rate: float | None
    offset: float | None
    feature_map: FeatureMap | None
    input_layout: str | None
    exclusion: StepExclusion | None
    settings_from: Store | None
    keep_input: bool
    part: tuple[int, int] | None
    shard_rows: int
    device: str | torch.device | None
    progress: bool
    force: bool
