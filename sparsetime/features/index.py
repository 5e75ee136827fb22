"""The feature index: what a dictionary's features do on a store, looked up in milliseconds."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import duckdb
import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from sparsetime.errors import ConfigError, DamagedError, DataError
from sparsetime.features import schemas
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.index_files import (
    AGAIN,
    HISTORY,
    RECORD,
    SCHEMAS,
    load_record,
    read_table,
    write_index,
)
from sparsetime.features.ranking import most_informative
from sparsetime.files import Folder
from sparsetime.segments import Segments

# An index is read without torch: a page that shows it opens a second or two sooner.
if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary

#: What nested groups were called before an index said so.
DEFAULT_GROUP_NAMES = ("high", "low")


@final
class FeatureIndex:
    """A finished index, opened for reading; see `open_index`. Safe to use from several threads.

    width: latents of the dictionary. groups: ends of its nested groups. group_names: what the first
    of them and the rest are called, None where there is one group. record: what `index.json` says
    (model, site, rows, entries, …).
    """

    def __init__(self, folder: Folder, record: dict[str, Any]) -> None:
        self.path = folder.url
        self.record = record
        self.width: int = record["width"]
        self.groups: tuple[int, ...] = tuple(record["groups"])
        self.group_names = _group_names(record)
        self._folder = folder
        self._lock = threading.Lock()
        self._connection = duckdb.connect()
        self._connection.execute("SET parquet_metadata_cache = true")
        if not folder.is_local:
            import fsspec

            self._connection.register_filesystem(fsspec.core.url_to_fs(folder.url)[0])

    @cached_property
    def features(self) -> pa.Table:
        """One row a feature, in order; the columns are those of `schemas.FEATURES`."""
        return read_table(self._folder, "features.parquet")

    @cached_property
    def sequences(self) -> pa.Table:
        """The indexed sequences: `sequence` (number in the whole store), `id`, `length`."""
        return read_table(self._folder, "sequences.parquet")

    def examples(self, feature: int, n: int = 20, per_sequence: int | None = None) -> pa.Table:
        """The `n` moments at which a feature is strongest, strongest first.

        Columns `sequence`, `position`, `value`. `per_sequence` takes at most so many from one
        sequence, so that one long run does not fill the list. Fewer where it fires less often.

        Errors: ConfigError for a feature that does not exist.
        """
        self._check_feature(feature)
        ranked = (
            "QUALIFY row_number() OVER "
            f"(PARTITION BY sequence ORDER BY abs(value) DESC, position) <= {int(per_sequence)}"
            if per_sequence is not None
            else ""
        )
        return self._query(
            f"SELECT sequence, position, value FROM {self._table('moments')} WHERE feature = ? "
            f"{ranked} ORDER BY abs(value) DESC, sequence, position LIMIT ?",
            [int(feature), int(n)],
            ("sequence", "position", "value"),
        )

    def history(self, feature: int) -> pa.Table:
        """What a feature was at each snapshot of its training and at the end, by step.

        The columns are those of `schemas.HISTORY`; `record["history"]["steps"]` says on how many
        steps of the store all were looked at. Empty where the index was made without snapshots.

        Errors: ConfigError for a feature that does not exist.
        """
        self._check_feature(feature)
        if HISTORY not in self.record["files"]:
            return schemas.HISTORY.empty_table()
        return self._query(
            f"SELECT * FROM {self._table('history')} WHERE feature = ? ORDER BY step",
            [int(feature)],
            tuple(schemas.HISTORY.names),
        )

    def sequence(self, number: int) -> SparseCode:
        """The code of a sequence in order, of shape (time,). `number`: in the whole store.

        Errors: DataError for a sequence that was not indexed.
        """
        import torch

        from sparsetime.codes import SparseCode, offsets_of

        position, feature, value = map(torch.from_numpy, self.entries(number))
        length = self.length(number)
        offsets = offsets_of(position.long(), length)
        return SparseCode(offsets, feature.long(), value, self.width, (length,))

    def length(self, number: int) -> int:
        """Steps of a sequence. Errors: DataError for a sequence that was not indexed."""
        known = to_numpy(self.sequences, "sequence")
        at = int(np.searchsorted(known, number))
        if at == len(known) or known[at] != number:
            raise DataError(
                f"sequence {number} is not in the index {self.path}, which holds "
                f"{len(known)} sequences, numbers {known[0]} to {known[-1]}"
            )
        length: int = self.sequences["length"][at].as_py()
        return length

    def entries(
        self, number: int
    ) -> tuple[
        Int[np.ndarray, " entries"], Int[np.ndarray, " entries"], Float[np.ndarray, " entries"]
    ]:
        """Position, feature and value of every entry of a sequence's code, in order.

        Errors: DataError for a sequence that was not indexed.
        """
        self.length(number)
        found = self._query(
            f"SELECT position, feature, value FROM {self._table('codes')} WHERE sequence = ? "
            f"ORDER BY position, feature",
            [int(number)],
            ("position", "feature", "value"),
        )
        position, feature, value = (to_numpy(found, name).copy() for name in found.column_names)
        return position, feature, value

    def most_informative(self, n: int = 30) -> pa.Table:
        """Rows of `features` of the `n` most informative ones; see `ranking.most_informative`."""
        return self.features.take(pa.array(most_informative(self.features, n)))

    def close(self) -> None:
        """Let go of the files."""
        self._connection.close()

    def _check_feature(self, feature: int) -> None:
        if not 0 <= feature < self.width:
            raise ConfigError(
                f"feature {feature} does not exist: the dictionary has the features 0 to "
                f"{self.width - 1}"
            )

    def _table(self, name: str) -> str:
        file = f"{name}.parquet"
        where = str(self._folder.path(file)) if self._folder.is_local else f"{self.path}/{file}"
        return "read_parquet('" + where.replace("'", "''") + "')"

    def _query(self, sql: str, values: list[int], names: tuple[str, ...]) -> pa.Table:
        with self._lock:
            cursor = self._connection.cursor()
        try:
            found = cursor.sql(sql, params=values).to_arrow_table()
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise DamagedError(f"{self.path} can no longer be read: {why}. {AGAIN}") from error
        return found.select(list(names))


def index(
    sae: Dictionary,
    store: Store,
    out: str | Path,
    force: bool = False,
    progress: bool = True,
    run: str | Path | None = None,
) -> FeatureIndex:
    """Encode a store and write the index of its features into the folder (or URL) `out`.

    Where `out` already holds the index of this dictionary on this store it is opened as it is.
    The record `index.json` is written last: a folder without it is no index. The whole code is
    held in memory, at most about 100 bytes an entry.

    run: the folder of the training, whose snapshots give the features a history; None: the folder
    around `out`, if this dictionary is there. An index that lacks the history gets it.

    Errors: MismatchError where they do not belong together; DataError for an empty store;
    StoreError where `out` holds something else and `force` is not given.
    """
    from sparsetime.codes import concatenate
    from sparsetime.features.build_tables import EncodedStore
    from sparsetime.features.encoding import check_compatible, device_of, encode_store
    from sparsetime.features.history import training_stages, with_history
    from sparsetime.features.provenance import provenance_of, reuse_or_clear
    from sparsetime.features.vocabulary import Vocabulary

    check_compatible(sae, store)
    folder = Folder(str(out))
    subject = provenance_of(sae, store)
    stages = training_stages(None if run is None else str(run), folder.url, subject["dictionary"])
    if reuse_or_clear(
        folder,
        what="feature index",
        record=RECORD,
        own_names=(RECORD, *SCHEMAS, HISTORY),
        subject=subject,
        force=force,
    ):
        record = load_record(folder)
        record = with_history(folder, record, stages, store, device_of(sae), progress)
        return FeatureIndex(folder, record)
    vocabulary = Vocabulary()
    codes, numbers, ids = [], [], []
    for sequence in encode_store(sae, store, progress):
        vocabulary.add(sequence.stored)
        codes.append(sequence.code)
        numbers.append(sequence.index)
        ids.append(sequence.id)
    coded = EncodedStore(
        code=concatenate(codes),
        numbers=np.array(numbers),
        ids=ids,
        segments=Segments.of_lengths([code.rows for code in codes]),
        word_of_row=vocabulary.of_row,
        words=vocabulary.words if vocabulary.has_text else None,
        groups=sae.groups,
    )
    about = {
        "dictionary": sae.name,
        "group_names": sae.group_names,
        "model_name": store.model_name,
        "model_hash": store.model_hash,
        "site": store.site,
        "unit": store.unit,
    }
    record = write_index(coded, folder, subject, about, progress)
    record = with_history(folder, record, stages, store, device_of(sae), progress)
    return FeatureIndex(folder, record)


def open_index(path: str | Path) -> FeatureIndex:
    """Open the index in a folder or behind a URL.

    Errors: StoreError where there is none, or where a newer sparsetime wrote it; DamagedError
    naming the file that is missing, cut short or not of the index's schema.
    """
    folder = Folder(str(path))
    return FeatureIndex(folder, load_record(folder))


def _group_names(record: dict[str, Any]) -> tuple[str, str] | None:
    if len(record["groups"]) < 2:
        return None
    first, rest = record.get("group_names", DEFAULT_GROUP_NAMES)
    return first, rest
