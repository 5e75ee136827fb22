"""SQL over the Parquet files of a folder, by DuckDB in process; safe for several threads."""

from __future__ import annotations

import threading
from typing import final

import duckdb
import pyarrow as pa

from sparsetime.errors import DamagedError
from sparsetime.features.index_files import AGAIN
from sparsetime.files import Folder


@final
class ParquetQuery:
    """Queries of the Parquet files in one folder or behind one URL."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._connection = duckdb.connect()
        self._connection.execute("SET parquet_metadata_cache = true")
        if not folder.is_local:
            import fsspec

            self._connection.register_filesystem(fsspec.core.url_to_fs(folder.url)[0])

    def select(self, columns: tuple[str, ...], file: str, rest: str, values: list[int]) -> pa.Table:
        """Some columns of a file's rows. `rest` is the SQL after FROM, with `?` for `values`.

        Errors: DamagedError where the file can no longer be read.
        """
        local = self._folder.is_local
        where = str(self._folder.path(file)) if local else f"{self._folder.url}/{file}"
        quoted = where.replace("'", "''")
        sql = f"SELECT {', '.join(columns)} FROM read_parquet('{quoted}') {rest}"
        with self._lock:
            cursor = self._connection.cursor()
        try:
            return cursor.sql(sql, params=values).to_arrow_table().select(list(columns))
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise DamagedError(
                f"{self._folder.url} can no longer be read: {why}. {AGAIN}"
            ) from error

    def close(self) -> None:
        """Close the files."""
        self._connection.close()
