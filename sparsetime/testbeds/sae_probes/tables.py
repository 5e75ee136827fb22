"""Tables of sae-probes: short texts with a label each, chosen by size alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from sparsetime import seeds
from sparsetime.errors import DataError
from sparsetime.testbeds.wheels.fetch import open_wheel

FOLDER, ENDING = "sae_probes/data/cleaned_data/", ".csv.zst"


class Archive(Protocol):
    """What the tables are read from: a `WheelArchive`."""

    def names(self, ending: str = "") -> list[str]: ...

    def read(self, name: str) -> bytes: ...


@final
@dataclass(frozen=True)
class ProbeTable:
    """A table of two classes: texts and their labels, as many rows of either class."""

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]


def probe_tables(
    characters: int = 64, rows: int = 500, seed: int = 0, archive: Archive | None = None
) -> list[ProbeTable]:
    """The tables of two classes that are short and long enough, by name.

    characters: the largest median length of a table's texts. rows: what is drawn of each table,
    half of either class, without replacement; a table with fewer is left out. No table is chosen by
    what a probe finds in it. archive: None for the wheel of sae-probes 0.4.2 in the cache
    (`sparsetime testbeds fetch sae-probes`).

    Source: Kantamneni, Engels, Rajamanoharan, Tegmark and Nanda 2025, "Are sparse autoencoders
    useful? A case study in sparse probing", arXiv:2502.16681; each table names its own source
    there.

    Errors: DataError where no table fits; those of `open_wheel`.
    """
    source = open_wheel("sae-probes") if archive is None else archive
    names = [name for name in source.names(ENDING) if name.startswith(FOLDER)]
    tables = []
    for name in names:
        short = name.removeprefix(FOLDER).removesuffix(ENDING)
        found = list(table_rows(source.read(name)))
        of_class: dict[str, list[str]] = {}
        for text, label in found:
            of_class.setdefault(label, []).append(text)
        if len(of_class) != 2 or min(map(len, of_class.values())) < rows // 2:
            continue
        if statistics.median(len(text) for text, _ in found) > characters:
            continue
        random = row_generator(seed, short)
        texts: list[str] = []
        labels: list[str] = []
        for label, members in sorted(of_class.items()):
            chosen = sorted(random.choice(len(members), rows // 2, replace=False))
            texts += [members[number] for number in chosen]
            labels += [label] * len(chosen)
        tables.append(ProbeTable(short, tuple(texts), tuple(labels)))
    if not tables:
        raise DataError(
            f"got no table of two classes with {rows:,} rows and a median of at most {characters} "
            f"characters among {len(names)}, expected at least one; ask for fewer rows or longer "
            f"texts"
        )
    return tables


def row_generator(seed: int, *key: str) -> np.random.Generator:
    """Draws rows of tables. key: names of a table, or of a table and a class, are other draws."""
    return seeds.numpy_generator(seed, "rows of a probe table", *key)


def table_rows(data: bytes) -> Iterator[tuple[str, str]]:
    """Text and label of every row with both, of the bytes of a table."""
    import pyarrow as pa
    from pyarrow import csv

    text = pa.string()
    with pa.input_stream(pa.BufferReader(data), compression="zstd") as stream:
        table = csv.read_csv(
            stream,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types={"prompt": text, "target": text},
                include_columns=["prompt", "target"],
            ),
        )
    rows = zip(table["prompt"].to_pylist(), table["target"].to_pylist(), strict=True)
    return ((prompt, target) for prompt, target in rows if prompt and target)
