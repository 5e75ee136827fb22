"""An export for Neuronpedia, imported into tables of Neuronpedia's own database schema.

    python benchmarks/neuronpedia_import.py CHECKOUT [--keep]

Without CHECKOUT nothing is compared.

CHECKOUT: a copy of Neuronpedia's repository, whose migrations (apps/webapp/prisma/migrations) make
the tables in a PostgreSQL of this machine, in a folder of its own. A dictionary of the package's
model of Python code is indexed and exported; its lines are inserted as the admin panel does: the
columns that the first line of a file names and the table has, in the order release, model,
source set, source, features, activations, explanations, with all keys and foreign keys of the
schema. Then every line is read back and compared with the file.

Where PostgreSQL lacks the extension `vector`, embeddings of explanations are plain arrays, which no
line has. The last line is JSON; --keep writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

import sparsetime as st
from sparsetime.features import ColumnDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE, USER = "model.layers.1", "user-of-a-test"
TEXTS = ("json/decoder.py", "json/encoder.py", "csv.py", "bisect.py", "heapq.py", "textwrap.py")
# Files of an export by table, in the order of the import.
TABLES = {
    "SourceRelease": "release.jsonl",
    "Model": "model.jsonl",
    "SourceSet": "sourceset.jsonl",
    "Source": "source.jsonl",
    "Neuron": "features/*.jsonl.gz",
    "Activation": "activations/*.jsonl.gz",
    "Explanation": "explanations/*.jsonl.gz",
}
# Rows of these are created through Prisma, which refuses a name that is no column.
STRICT = ("SourceRelease", "Model", "SourceSet", "Source")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", type=Path, nargs="?", help="a copy of Neuronpedia's repository")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)
    options = parser.parse_args()
    if options.checkout is None:
        print(json.dumps({"benchmark": "neuronpedia_import", "skipped": "no checkout was given"}))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = exported(Path(made))
        with database(Path(made) / "postgres") as base:
            base.apply(options.checkout / "apps/webapp/prisma/migrations")
            columns = '(id, name, "emailUnsubscribeCode")'
            base.run(f"INSERT INTO \"User\" {columns} VALUES ('{USER}', 'Ada', 'x')")
            cells = [imported(base, name, folder, files) for name, files in TABLES.items()]
    head = ["table", "lines", "rows", "columns", "lines that came back otherwise"]
    rows = [
        [cell[key] for key in ("table", "lines", "rows", "columns", "differ")] for cell in cells
    ]
    shown = table(head, [[str(value) for value in row] for row in rows])
    result = {"machine": machine(), "plain_vectors": base.plain_vectors, "cells": cells}
    conclude("neuronpedia_import", result, shown, options.keep)


def exported(folder: Path) -> Path:
    """The export of a dictionary that is trained here, with names of some features."""
    model = st.testbeds.code_model()
    library = Path(json.__file__).parent.parent
    texts = [(library / name).read_text(encoding="utf-8")[:8000] for name in TEXTS]
    store = st.capture(model, texts, SITE, folder / "activations", progress=False)
    sae = st.dictionary("batch_topk", d_in=store.d, width=1536, k=16)
    sae = st.train(
        sae, store, out=folder / "run", rows=200 * 1024, batch=1024, show=False
    ).dictionary
    index = st.index(sae, store, out=folder / "features", progress=False)
    names = [f"feature {n}" if n % 3 == 0 else None for n in range(sae.width)]
    column = ColumnDefinition("mine", "string", "a name", role="name")
    index.add_table("mine", {"feature": range(sae.width), "mine": names}, [column])
    path = st.interop.write_neuronpedia_export(
        index, store, folder / "export", model_id="code-lm", layer=1, source_set="res-mine",
        creator="Ada", creator_id=USER, dictionary=sae, model=model, data="standard library",
        progress=False,
    )  # fmt: skip
    return Path(path)


def imported(base: Database, name: str, folder: Path, files: str) -> dict[str, Any]:
    """Insert the lines of one table, read them back, and count those that differ."""
    lines, chosen = [], set()
    known = set(base.run(_COLUMNS.format(name)).split())
    for path in sorted(folder.glob(files)):
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        # PostgreSQL has no character 0, for which the import writes a space.
        some = text.replace("\\u0000", " ").splitlines()
        columns = list(json.loads(some[0]))
        unknown = set(columns) - known
        assert not unknown or name not in STRICT, f"{name} has no column {unknown}"
        assert all(set(json.loads(line)) == set(columns) for line in some), path
        chosen = set(columns) & known
        base.insert(name, sorted(chosen), some)
        lines += some
    listed = ", ".join(f"'{c}', \"{c}\"" for c in sorted(chosen))
    back = base.run(f'SELECT json_build_object({listed}) FROM "{name}"').splitlines()
    given = sorted(
        canonical({k: v for k, v in json.loads(x).items() if k in chosen}) for x in lines
    )
    found = sorted(canonical(json.loads(x)) for x in back)
    differ = sum(one != other for one, other in zip(given, found, strict=False))
    return {
        "table": name,
        "lines": len(lines),
        "rows": len(back),
        "columns": len(chosen),
        "differ": differ + abs(len(given) - len(found)),
    }


_COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = '{}'"


def canonical(row: dict[str, Any]) -> str:
    """A row as text in which equal numbers and moments are equal."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
            # Columns of moments keep milliseconds, without a zone.
            return round(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * 1000)
        return value

    return json.dumps({key: plain(value) for key, value in sorted(row.items())})


class Database:
    """A PostgreSQL server of this process, on a socket in a folder."""

    def __init__(self, socket: Path) -> None:
        self._command = ["psql", "-h", str(socket), "-U", "np", "-d", "postgres", "-XqAt"]
        self._command += ["-v", "ON_ERROR_STOP=1"]
        self.plain_vectors = False

    def run(self, statement: str) -> str:
        """What psql prints of a statement. Errors: SystemExit with what the server said."""
        done = subprocess.run(
            [*self._command, "-f", "-"], input=statement, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{statement[:300]}\n{done.stderr[-2000:]}")
        return done.stdout

    def apply(self, migrations: Path) -> None:
        """Make the tables, with plain arrays where there is no extension for vectors."""
        available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
        self.plain_vectors = self.run(available).strip() == "0"
        for path in sorted(migrations.glob("*/migration.sql")):
            text = path.read_text(encoding="utf-8")
            if self.plain_vectors:
                text = re.sub(r"CREATE EXTENSION[^;]*vector[^;]*;", "", text)
                text = re.sub(r"\bvector\(\d+\)", "double precision[]", text)
                text = re.sub(r"CREATE INDEX[^;]*vector_[^;]*;", "", text)
            self.run(text)

    def insert(self, name: str, columns: list[str], lines: list[str]) -> None:
        """Insert JSON lines; values are cast to the types of the table's columns."""
        listed = ", ".join(f'"{column}"' for column in columns)
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            self.run(
                "CREATE TEMP TABLE given (line text);\n"
                rf"\copy given FROM '{file.name}' WITH (FORMAT csv, "
                r"DELIMITER E'\x01', QUOTE E'\x02')"
                f'\nINSERT INTO "{name}" ({listed}) SELECT {listed} FROM given, '
                f'jsonb_populate_record(NULL::"{name}", line::jsonb) ON CONFLICT DO NOTHING;'
            )


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """A fresh server, which listens on no port and ends with the block."""
    tools = Path(shutil.which("pg_ctl") or sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1])
    tools = tools if tools.is_dir() else tools.parent
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder.mkdir()
    for parent in (folder, folder.parent):
        parent.chmod(0o755)
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    start = f"-k {folder} -c listen_addresses='' -c fsync=off"

    def call(*command: str) -> None:
        subprocess.run(
            [str(tools / command[0]), *command[1:]], check=True, user=user, cwd=folder,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    call("initdb", "-D", str(data), "-U", "np", "-A", "trust", "-E", "UTF8", "--no-sync")
    call("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", start, "start")
    try:
        yield Database(folder)
    finally:
        call("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")


if __name__ == "__main__":
    main()
