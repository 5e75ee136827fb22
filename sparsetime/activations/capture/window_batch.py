"""Batches of windows: padded inputs, their mask, and where their rows are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from sparsetime.activations.capture.input_windows import InputWindow
from sparsetime.activations.capture.special_tokens import SpecialTokens
from sparsetime.errors import MismatchError
from sparsetime.models.row_clock import RowClock

_SHOWN_CHANNELS = 24


def padded_inputs(
    batch: Sequence[InputWindow], special: SpecialTokens, padding: int, clock: RowClock
) -> tuple[Shaped[Tensor, "batch time ..."], Int[Tensor, "batch time"]]:
    """Inputs, padded at their end to a length that the model takes, and the mask of real ones."""
    before = torch.tensor(special.before, dtype=torch.long)
    after = torch.tensor(special.after, dtype=torch.long)
    rows = [window.prepared.inputs[window.input_start : window.input_stop] for window in batch]
    if rows[0].ndim == 1:
        rows = [torch.cat([before, row.cpu(), after]) for row in rows]
    lengths = torch.tensor([len(row) for row in rows])
    missing = clock.model_length(int(lengths.max())) - len(rows[0])
    if missing > 0 and not clock.is_plain:
        rows[0] = torch.cat([rows[0], rows[0].new_full((missing, *rows[0].shape[1:]), padding)])
    inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)
    return inputs, (torch.arange(inputs.shape[1]) < lengths[:, None]).long()


def decoder_tokens(
    batch: Sequence[InputWindow], clock: RowClock
) -> Int[Tensor, "batch steps"] | None:
    """What the decoder reads of each window; None where no site has rows of it."""
    if clock.follows != "decoder":
        return None
    return torch.stack([window.prepared.document.decoder_tokens for window in batch])


def document_names(batch: Sequence[InputWindow]) -> str:
    """The documents of a batch, for errors."""
    ids = dict.fromkeys(window.prepared.document.id for window in batch)
    shown = ", ".join(repr(name) for name in list(ids)[:3]) + (", …" if len(ids) > 3 else "")
    return f"{'document' if len(ids) == 1 else 'documents'} {shown}"


def channel_names(batch: Sequence[InputWindow]) -> str:
    """The channels of a batch, for errors of a model that does not take them; "" without names."""
    recording = batch[0].prepared.document.recording
    if recording is None or not recording.channels:
        return ""
    names = ", ".join(recording.channels[:_SHOWN_CHANNELS])
    more = len(recording.channels) - _SHOWN_CHANNELS
    shown = f"{names} and {more} more" if more > 0 else names
    return f" with {len(recording.channels)} channels: {shown}"


def check_rows(
    batch: Sequence[InputWindow],
    value: Shaped[Tensor, "batch rows d"],
    site: str,
    clock: RowClock,
    special: int,
) -> None:
    """Errors: MismatchError where a pass gives other rows than its length was found to give."""
    length = clock.model_length(max(window.length for window in batch) + special)
    expected = length if clock.is_plain else clock.rows(length)
    if clock.follows == "decoder":
        expected = batch[0].decoder_length
    if value.shape[1] != expected:
        names = document_names(batch)
        raise MismatchError(
            f"got {value.shape[1]} rows from the site {site!r} for {length} input steps of "
            f"{names}, expected {expected}, by the shapes of other lengths; choose another site, "
            "or windows of one length with window="
        )


def stored_places(
    batch: Sequence[tuple[InputWindow, int]], before: int, rows: int
) -> tuple[Int[Tensor, " stored"], Int[Tensor, " stored"]]:
    """Positions of the stored rows in [batch * rows], and their rows in the shard.

    before: rows of a window before the first that can be stored. rows: that a pass gives of each.
    """
    positions = [i * rows + before + window.stored_positions for i, (window, _) in enumerate(batch)]
    stored = [np.arange(first, first + window.rows) for window, first in batch]
    return torch.from_numpy(np.concatenate(positions)), torch.from_numpy(np.concatenate(stored))


def store_rows(
    value: Shaped[Tensor, "batch rows d"],
    batch: Sequence[tuple[InputWindow, int]],
    before: int,
    site: str,
    stored: dict[str, Tensor],
    rows: int,
    dtype_of: Callable[[torch.dtype], torch.dtype],
) -> None:
    """Put the rows of windows into `stored[site]`, which holds all `rows` of a shard on the CPU.

    before: rows of a window before the first that can be stored. dtype_of: the stored dtype.
    """
    positions, places = stored_places(batch, before, value.shape[1])
    if site not in stored:
        stored[site] = torch.empty(rows, value.shape[2], dtype=dtype_of(value.dtype))
    picked = value.reshape(-1, value.shape[2])[positions.to(value.device)]
    stored[site][places] = picked.to("cpu", stored[site].dtype)
