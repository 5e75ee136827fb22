"""Columns of the Parquet files of a feature index, with the definition of every feature column."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from sparsetime.features.column_definition import ColumnDefinition, arrow_schema

_SOURCE = "sparsetime index"


def _column(name: str, dtype: str, definition: str, unit: str = "") -> ColumnDefinition:
    return ColumnDefinition(name, dtype, definition, unit, _SOURCE)


#: The first feature table of every index, `features.parquet`.
FEATURE_COLUMNS = (
    _column("feature", "int32", "number of the feature, from 0"),
    _column("group", "int32", "nested group of latents that the feature belongs to, from 0"),
    _column("count", "int64", "steps on which the feature is active", "steps"),
    _column("density", "float64", "share of all steps on which the feature is active"),
    _column("mean", "float64", "mean |activation value| over the steps on which it is active"),
    _column("max", "float64", "largest |activation value|"),
    _column("runs", "int64", "unbroken runs of steps on which the feature is active", "runs"),
    _column("dwell", "float64", "mean length of a run: count / runs", "steps"),
    _column(
        "half_life",
        "float64",
        "lag at which the autocorrelation of the activation value first falls to 0.5, within "
        "sequences: about the mean of each",
        "steps",
    ),
    _column("half_life_censored", "bool", "the half-life is a lower bound: the longest lag read"),
    _column(
        "between_share",
        "float64",
        "share of the variance of the activation value that lies between sequences, beyond what "
        "memory within them makes; about 0 where they do not differ, null for one sequence",
    ),
    _column("flicker", "float64", "switches on or off per pair of neighbouring steps"),
    _column("documents", "int64", "sequences in which the feature is active", "sequences"),
    _column(
        "document_information",
        "float64",
        "KL(sequences of its runs || sequences of all steps) less the same of random steps",
        "nats",
    ),
    _column(
        "word_information",
        "float64",
        "KL(words it is active on || words of all steps) less the same of random steps",
        "nats",
    ),
    _column(
        "words",
        "list<string>",
        "most over-represented words by p log(p / q), best first; null without text",
    ),
    _column(
        "position_density",
        "list<float64>",
        "density in each tenth of a sequence",
    ),
)
FEATURES = arrow_schema(FEATURE_COLUMNS)
#: Columns that earlier versions did not write; their half-lives are about the mean of all steps.
ADDED = frozenset({"between_share"})
EXAMPLES = pa.schema(
    [
        ("feature", pa.int32()),
        ("sequence", pa.int32()),
        ("position", pa.int32()),
        ("value", pa.float32()),
    ]
)
CODES = pa.schema([EXAMPLES.field(name) for name in ("sequence", "position", "feature", "value")])
SEQUENCES = pa.schema([("sequence", pa.int32()), ("id", pa.string()), ("length", pa.int64())])
# Only where the training kept snapshots.
HISTORY = pa.schema(
    [
        ("feature", pa.int32()),
        ("step", pa.int64()),  # of the training; the last is its end
        ("rows", pa.int64()),  # seen by then
        ("cosine", pa.float64()),  # of the decoder row with that at the end
        ("overlap", pa.float64()),  # of the active steps with those at the end (Jaccard index)
        ("density", pa.float64()),  # on the sampled steps, as in FEATURES
        ("dwell", pa.float64()),
        ("words", pa.list_(pa.string())),
    ]
)


def holds(present: pa.Schema, schema: pa.Schema) -> bool:
    """Whether a file has the columns of a schema, in order; an earlier one may lack those added."""
    fields = [field for field in schema if field.name not in ADDED or field.name in present.names]
    return bool(present.equals(pa.schema(fields)))


def columns_of(names: list[str]) -> tuple[ColumnDefinition, ...]:
    """Definitions of the columns that a file of features has, as it was written."""
    pooled = "lag at which the autocorrelation of the activation value first falls to 0.5, about "
    return tuple(
        replace(column, definition=pooled + "the mean of all sequences")
        if column.name == "half_life" and "between_share" not in names
        else column
        for column in FEATURE_COLUMNS
        if column.name in names
    )
