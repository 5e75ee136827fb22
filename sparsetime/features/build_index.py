"""Building a feature index: encode a store with a code source and write the index's files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparsetime.activations.sources.as_store import as_store, has_time
from sparsetime.activations.store.provenance import cut_spans, fraction_seen
from sparsetime.codes import SparseCode, concatenate
from sparsetime.dictionaries.dictionary_hash import has_settings
from sparsetime.errors import DataError, StoreError
from sparsetime.features.build_tables import EncodedStore
from sparsetime.features.code_source import CodeSource
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.detail_table import DETAILS
from sparsetime.features.dictionary_codes import as_code_source
from sparsetime.features.feature_table import TABLES
from sparsetime.features.history import training_stages, with_history
from sparsetime.features.index import FeatureIndex
from sparsetime.features.index_files import OWN_FILES, RECORD, SPANS, load_record, write_index
from sparsetime.features.provenance import SEEN, provenance_of, reuse_or_clear
from sparsetime.features.vocabulary import Vocabulary
from sparsetime.files import Folder, locks
from sparsetime.progress import progress as running
from sparsetime.segments import Segments
from sparsetime.tensors import ArrayLike
from sparsetime.torch_settings import float32_by_default

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary

LATENTS = "latents"
_LEAST_COMMON = 0.99  # of the active features of both, of equal settings on two machines
_NAME_COLUMN = ColumnDefinition(
    "latent_name", "string", "name that the code source gives the latent", "", "code source", "name"
)


@locks("out")
@float32_by_default()
def index(
    source: Dictionary | CodeSource,
    store: Store | ArrayLike,
    out: str | Path,
    force: bool = False,
    progress: bool = True,
    run: str | Path | None = None,
) -> FeatureIndex:
    """Encode a store and write the index of its features into the folder (or URL) `out`.

    store: a store, or a tensor [sequences, time, d], of which there is nothing to show but numbers.
    source: a dictionary, or any other code source. Where `out` already holds the index of this
    source on this store it is opened as it is. The record `index.json` is written last: a folder
    without it is no index. The whole code and the bytes of one table are held in memory, about 35
    bytes an entry, and what statistics of a range of latents need, some 400 MB.

    run: the folder of the training, whose snapshots give the features a history; None: the folder
    around `out`, if this dictionary is there. An index that lacks the history gets it.

    Errors: MismatchError where source and store do not belong together; DataError for an empty
    store; StoreError where `out` holds something else and `force` is not given.
    """
    if not has_time(store):
        raise DataError(
            "an index holds features in time, and rows of shape [rows, d] have no order of time; "
            "give [sequences, time, d], or a store"
        )
    store = as_store(store, "index")
    codes = as_code_source(source)
    codes.check(store)
    folder = Folder(str(out))
    subject = provenance_of(codes.fingerprint, store)
    stages = training_stages(None if run is None else str(run), folder.url, codes.fingerprint)
    if reuse_or_clear(
        folder,
        what="feature index",
        record=RECORD,
        own_names=OWN_FILES,
        kept_names=(TABLES, DETAILS),
        subject=subject,
        force=force,
    ):
        record = load_record(folder)
        _check_settings(FeatureIndex(folder, record), codes, store)
        record = with_history(folder, record, stages, store, codes.device, progress)
        return FeatureIndex(folder, record)
    about = {
        "dictionary": codes.name,
        "source": {"kind": codes.kind},
        "group_names": codes.group_names,
        "model_name": store.model_name,
        "model_hash": store.model_hash,
        "site": store.site,
        "unit": store.unit,
        SEEN: fraction_seen(codes.trained_on, store),
        SPANS: cut_spans(store),
    }
    # A dictionary's directions are in its own file, so only those of other sources are written.
    directions = None if codes.kind == "dictionary" else codes.directions()
    encoded = encode_whole_store(codes, store, progress)
    record = write_index(encoded, folder, subject, about, progress, directions)
    record = with_history(folder, record, stages, store, codes.device, progress)
    new_index = FeatureIndex(folder, record)
    if codes.latent_names is not None:
        columns = {"feature": np.arange(codes.width), "latent_name": list(codes.latent_names)}
        new_index.add_table(LATENTS, columns, [_NAME_COLUMN])
    return new_index


def _check_settings(index: FeatureIndex, codes: CodeSource, store: Store) -> None:
    """Compare codes of one sequence where an index of 0.1.0 recorded the hash of weights alone.

    Errors: StoreError where they differ by more than rounding may move.
    """
    if index.kind != "dictionary" or has_settings(index.record["subject"]["dictionary"]):
        return
    stored = store.sequence(0)
    code, earlier = codes.code(stored), index.sequence(stored.index)
    now, then = ((c.row_of_entry * c.width + c.indices).numpy() for c in (code, earlier))
    common = len(np.intersect1d(now, then))
    if common < _LEAST_COMMON * (len(now) + len(then) - common):
        raise StoreError(
            f"{index.path} holds the feature index of a dictionary with the same weights and other "
            "settings. Choose another folder, or replace it with force=True"
        )


def _small(code: SparseCode) -> SparseCode:
    """The code with numbers of latents in half of the memory: millions of entries are kept."""
    return replace(code, indices=code.indices.int())


def encode_whole_store(source: CodeSource, store: Store, progress: bool = True) -> EncodedStore:
    """The codes of all sequences of a store, with the word of every step."""
    vocabulary = Vocabulary()
    codes, numbers, ids = [], [], []
    sequences = (store.sequence(place) for place in range(len(store.sequence_indices)))
    with running("encode", float(len(store)), "steps", progress) as bar:
        for stored, code in source.codes(sequences):
            vocabulary.add(stored)
            codes.append(_small(code))
            numbers.append(stored.index)
            ids.append(str(stored.id))
            bar.advance(code.rows)
    return EncodedStore(
        code=concatenate(codes),
        numbers=np.array(numbers),
        ids=ids,
        segments=Segments.of_lengths([code.rows for code in codes]),
        word_of_row=vocabulary.of_row,
        words=vocabulary.words if vocabulary.has_text else None,
        groups=source.groups or (source.width,),
    )
