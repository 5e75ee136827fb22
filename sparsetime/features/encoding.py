"""Encoding of a store's sequences by a dictionary, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.sources.source import check_model, check_width
from sparsetime.activations.step_exclusion import StepExclusion, runs_of
from sparsetime.codes import SparseCode, concatenate
from sparsetime.errors import MismatchError
from sparsetime.features.code_source import check_not_empty
from sparsetime.progress import progress as running

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.dictionaries.dictionary import Dictionary

# Rows that are encoded together: enough to keep the encoder's product busy, few enough that the
# dense pre-activations of a wide dictionary fit in memory (2,048 x 16,384 floats are 134 MB).
ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class EncodedSequence:
    """One sequence with its activations and its code.

    index: the sequence's number in the whole store. id: its name there. activations: [time, d],
    float32. code: shape `(time,)`. stored: the stored sequence itself (labels, steps, text). kept:
    the steps that the dictionary does not leave out; nothing is active on the others.
    """

    index: int
    id: str
    activations: Float[Tensor, "time d"]
    code: SparseCode
    stored: StoredSequence
    kept: Bool[Tensor, " time"]

    def kept_parts(self) -> Iterator[EncodedSequence]:
        """The sequence itself, or its unbroken runs of kept steps where some are left out."""
        if bool(self.kept.all()):
            yield self
            return
        for start, stop in runs_of(self.kept.numpy()):
            yield EncodedSequence(
                self.index,
                self.id,
                self.activations[start:stop],
                self.code.row_slice(start, stop),
                self.stored.part(start, stop),
                self.kept[start:stop],
            )


def check_compatible(sae: Dictionary, store: Store) -> None:
    """Refuse a dictionary and a store of other activations.

    Compared are the width of the activations and, where the dictionary's provenance holds them,
    the hash of the model and the site.

    Errors: MismatchError says both sides; DataError where the store holds no rows.
    """
    check_width(store, sae.d_in)
    record = sae.provenance
    check_model(store, record.get("model_hash"))
    # Of a transcoder, "a -> b", the codes are functions of what it reads, a.
    site, here = str(record.get("site") or "").partition(" -> ")[0], store.site
    if site and here and site.removesuffix(":output") != here.removesuffix(":output"):
        raise MismatchError(
            f"the dictionary was trained at the site {site!r}; the store was captured at "
            f"{here!r}. Open the store of {site!r}; to compare across sites on purpose, call "
            f"`sae.provenance.clear()` first."
        )
    check_not_empty(store)


def encode_store(
    sae: Dictionary,
    store: Store,
    progress: bool = True,
    exclusion: StepExclusion | None = None,
) -> Iterator[EncodedSequence]:
    """Every sequence of the store, encoded, in the store's order; see `encode_sequences`.

    Errors: see `check_compatible`; they come before any work.
    """
    check_compatible(sae, store)
    return _encoded(sae, store, progress, exclusion)


def encode_sequences(
    sae: Dictionary,
    sequences: Iterable[StoredSequence],
    exclusion: StepExclusion | None = None,
) -> Iterator[EncodedSequence]:
    """The sequences, encoded, in their order. exclusion: steps without a code; None takes those
    that the dictionary's training left out.

    A stateful dictionary encodes every sequence from its beginning. Without state the codes of
    rows do not depend on each other, so the rows of many short sequences are encoded together.
    """
    if exclusion is None:
        exclusion = StepExclusion.of_provenance(sae.provenance)
    waiting: list[StoredSequence] = []
    rows = 0
    for sequence in sequences:
        waiting.append(sequence)
        rows += len(sequence)
        if rows >= ROWS_AT_ONCE:
            yield from _together(sae, waiting, exclusion)
            waiting, rows = [], 0
    if waiting:
        yield from _together(sae, waiting, exclusion)


def device_of(sae: Dictionary) -> torch.device:
    """The device of the dictionary's parameters."""
    return next((p.device for p in sae.parameters()), torch.device("cpu"))


def _encoded(
    sae: Dictionary, store: Store, show: bool, exclusion: StepExclusion | None
) -> Iterator[EncodedSequence]:
    sequences = (store.sequence(i) for i in range(len(store.sequence_indices)))
    with running("encode", float(len(store)), "steps", show) as bar:
        for encoded in encode_sequences(sae, sequences, exclusion):
            yield encoded
            bar.advance(encoded.code.rows)


def _together(
    sae: Dictionary, sequences: list[StoredSequence], exclusion: StepExclusion
) -> Iterator[EncodedSequence]:
    kept = [kept_steps(s, exclusion) for s in sequences]
    x = torch.cat([s.values[mask] for s, mask in zip(sequences, kept, strict=True)])
    if sae.is_stateful:
        # What is left out is not read: state begins again behind it, as in training.
        spans = [end - begin for mask in kept for begin, end in runs_of(mask.numpy())]
    else:
        spans = [len(x)]
    device = device_of(sae)
    with torch.no_grad():
        parts = [
            code.to("cpu")
            for rows in torch.split(x, spans)
            for code in encode_chunks(sae, rows.to(device))
        ]
    code = _with_empty_rows(concatenate(parts), torch.cat(kept))
    start = 0
    for s, mask in zip(sequences, kept, strict=True):
        stop = start + s.values.shape[0]
        own = code.row_slice(start, stop)
        yield EncodedSequence(s.index, str(s.id), s.values, own, s, mask)
        start = stop


def kept_steps(sequence: StoredSequence, exclusion: StepExclusion) -> Bool[Tensor, " time"]:
    """The steps of a stored sequence that are not left out, by the capture or the exclusion.

    Errors: those of `exclusion.kept`.
    """
    if not exclusion:
        return sequence.kept
    tokens = None
    if exclusion.tokens and "token" in sequence.steps.column_names:
        tokens = torch.from_numpy(sequence.steps["token"].to_numpy().astype("int64"))
    return sequence.kept & exclusion.kept(sequence.values, tokens)


def _with_empty_rows(code: SparseCode, kept: Bool[Tensor, " rows"]) -> SparseCode:
    """The code of all rows from that of the kept ones; nothing is active on the others."""
    if bool(kept.all()):
        return code
    counts = torch.zeros(len(kept), dtype=code.offsets.dtype)
    counts[kept] = code.offsets.diff()
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return SparseCode(offsets, code.indices, code.values, code.width, (len(kept),))


def encode_chunks(sae: Dictionary, rows: Float[Tensor, "time d"]) -> Iterator[SparseCode]:
    """The codes of consecutive rows, some thousand at once, as `encode` gives them for all."""
    state = sae.stream()
    return (state.feed(part) for part in torch.split(rows, ROWS_AT_ONCE))
