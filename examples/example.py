"""Command line of the examples: where to write, how much data, and what to say without weights."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sparsetime.errors import ConfigError, StoreError


def show(rows: Sequence[Mapping[str, Any]], **columns: str) -> None:
    """Print rows as a table: heading=key of the rows, or heading="key:format"."""
    table = Table(*(heading.replace("_", " ") for heading in columns), box=None, pad_edge=False)
    for row in rows:
        cells = (column.partition(":")[::2] for column in columns.values())
        table.add_row(*(format(row[key], form) for key, form in cells))
    Console(highlight=False, width=110).print(table)


def run(main: Callable[[Path, bool], None], description: str) -> None:
    """Run an example from the command line.

    main: takes the folder to write and whether to use a tenth of the data. Without the weights that
    it needs, the reason is printed and nothing fails.
    """
    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/examples") / name)
    parser.add_argument("--small", action="store_true", help="a tenth of the data")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    try:
        main(arguments.out, arguments.small)
    except ConfigError as error:
        if "sparsetime testbeds fetch" not in str(error):
            raise
        print(f"skipped: {error}")
        return
    except StoreError as error:
        sys.exit(f"{error}")
    seconds = time.perf_counter() - begun
    print(f"{name}: {seconds:.0f} s; look at it: sparsetime explore {arguments.out}")
