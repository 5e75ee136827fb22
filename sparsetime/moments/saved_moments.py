"""Moments in a folder of a run, a Parquet file by name, and reading them again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from sparsetime.errors import ConfigError, DamagedError
from sparsetime.files import Folder, locks
from sparsetime.files.formats import table_bytes
from sparsetime.moments.moment_schema import MOMENTS

if TYPE_CHECKING:
    from sparsetime.moments.moment_table import MomentTable

#: The folder of a run in which the explorer looks for moments.
FOLDER = "moments"
SCHEMA_VERSION = 1
_AGAIN = "Find the moments again with sparsetime moments"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@locks("out")
def save_moments(found: MomentTable, out: str | Path, name: str) -> str:
    """Write `NAME.parquet` into the folder `out`, in place of an earlier one; returns its path.

    The explorer shows the moments of `RUN/moments` over the timeline of RUN.

    Errors: ConfigError for a name that is no file name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"got the name {name!r} of moments, expected letters, digits, '_' and '-', at most 64 "
            "of them, since it becomes a file name"
        )
    folder = Folder(str(out))
    folder.write_bytes(f"{name}.parquet", table_bytes(found.table, SCHEMA_VERSION))
    return f"{folder.url}/{name}.parquet"


def read_moments(folder: Folder) -> dict[str, pa.Table]:
    """The saved moments of a folder by name; empty where there is none.

    Errors: DamagedError for a file that is changed or holds other columns.
    """
    tables = {}
    for file in sorted(folder.names()):
        if not file.endswith(".parquet"):
            continue
        table = folder.read_table(file, SCHEMA_VERSION, _AGAIN)
        if table.schema.names != MOMENTS.names:
            raise DamagedError(f"{folder.url}/{file} holds no moments. {_AGAIN}")
        tables[file.removesuffix(".parquet")] = table.cast(MOMENTS)
    return tables
