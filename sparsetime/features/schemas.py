"""Columns of the Parquet files of a feature index, with the definition of every feature column."""

from __future__ import annotations

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
        "lag at which the autocorrelation of the activation value first falls to 0.5",
        "steps",
    ),
    _column("half_life_censored", "bool", "the half-life is a lower bound: the longest lag read"),
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
