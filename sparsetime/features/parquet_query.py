"""Look-ups in the Parquet files of a folder, by DuckDB in process; safe for several threads."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int

from sparsetime.errors import DamagedError
from sparsetime.features.index_files import AGAIN
from sparsetime.files import Folder
from sparsetime.files.blocks import check_blocks, size_and_change


@final
class ParquetQuery:
    """Look-ups in the Parquet files in one folder or behind one URL.

    records: of each file, as `block_record` returns them. DuckDB checks no checksums, so the blocks
    that a look-up will read are checked before it.
    """

    def __init__(self, folder: Folder, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._folder = folder
        self._records = records
        self._lock = threading.Lock()
        self._row_groups = lru_cache(maxsize=16)(self._read_row_groups)
        self._connection = duckdb.connect()
        self._connection.execute("SET parquet_metadata_cache = true")
        if not folder.is_local:
            import fsspec

            self._connection.register_filesystem(fsspec.core.url_to_fs(folder.url)[0])

    def select(
        self, columns: tuple[str, ...], file: str, where: tuple[str, int], rest: str = ""
    ) -> pa.Table:
        """Some columns of the rows of a file in which one column has one value.

        rest: the SQL after that condition.

        Errors: DamagedError where what is read is not what was written.
        """
        column, value = where
        self._check(file, column, value)
        local = self._folder.is_local
        place = str(self._folder.path(file)) if local else f"{self._folder.url}/{file}"
        quoted = place.replace("'", "''")
        sql = f"SELECT {', '.join(columns)} FROM read_parquet('{quoted}') WHERE {column} = ? {rest}"
        with self._lock:
            cursor = self._connection.cursor()
        try:
            return cursor.sql(sql, params=[value]).to_arrow_table().select(list(columns))
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise DamagedError(
                f"{self._folder.url} can no longer be read: {why}. {AGAIN}"
            ) from error

    def close(self) -> None:
        """Close the files."""
        self._connection.close()

    def _check(self, file: str, column: str, value: int) -> None:
        """Check the row groups in which the column may have the value."""
        record, spans = self._records[file], None
        if "crc32" in record:
            changed = size_and_change(self._folder, file, AGAIN)[1]
            least, most, begins, ends = self._row_groups(file, column, changed)
            inside = (least <= value) & (value <= most)
            spans = zip(begins[inside].tolist(), ends[inside].tolist(), strict=True)
        check_blocks(self._folder, file, record, spans, AGAIN)

    def _read_row_groups(self, file: str, column: str, changed: int) -> Int[np.ndarray, "4 groups"]:
        """Least and largest value of a column, first byte and end, of each row group.

        DuckDB leaves row groups out by the same statistics. changed: when the file was, which makes
        the answer that of the file as it is now.
        """
        local = self._folder.is_local
        source = (
            str(self._folder.path(file)) if local else io.BytesIO(self._folder.read_bytes(file))
        )
        try:
            metadata = pq.read_metadata(source)
        except (pa.ArrowInvalid, OSError) as error:
            raise DamagedError(
                f"{self._folder.url}/{file} cannot be read: {error}. {AGAIN}"
            ) from None
        groups = [_row_group(metadata.row_group(i), column) for i in range(metadata.num_row_groups)]
        return np.array(groups, dtype=np.int64).reshape(-1, 4).T


def _row_group(group: pq.RowGroupMetaData, column: str) -> tuple[int, int, int, int]:
    chunks = [group.column(i) for i in range(group.num_columns)]
    statistics = next(chunk for chunk in chunks if chunk.path_in_schema == column).statistics
    limits = np.iinfo(np.int64)
    least, most = limits.min, limits.max
    if statistics is not None and statistics.has_min_max:
        least, most = statistics.min, statistics.max
    begins = [
        chunk.data_page_offset
        if chunk.dictionary_page_offset is None
        else min(chunk.dictionary_page_offset, chunk.data_page_offset)
        for chunk in chunks
    ]
    ends = [begin + c.total_compressed_size for begin, c in zip(begins, chunks, strict=True)]
    return least, most, min(begins), max(ends)
