"""The columns of the tables of a feature index."""

from __future__ import annotations

import pyarrow as pa

FEATURES = pa.schema(
    [
        ("feature", pa.int32()),
        ("group", pa.int32()),  # which nested group of the dictionary it belongs to, 0 the first
        ("count", pa.int64()),  # steps on which it fires
        ("density", pa.float64()),  # their share of all steps
        ("mean", pa.float64()),  # mean |value| where it fires
        ("max", pa.float64()),
        ("runs", pa.int64()),
        ("dwell", pa.float64()),  # mean run length in steps
        ("half_life", pa.float64()),  # steps
        ("half_life_censored", pa.bool_()),  # the half-life is a lower bound
        ("flicker", pa.float64()),  # switches a step, between neighbouring steps
        ("documents", pa.int64()),  # sequences it fires in
        ("document_information", pa.float64()),  # nats above chance
        ("word_information", pa.float64()),
        ("words", pa.list_(pa.string())),  # most over-represented first; null without text
        ("position_density", pa.list_(pa.float64())),  # density in each tenth of a sequence
    ]
)
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
        ("cosine", pa.float64()),  # of the atom with what it became
        ("overlap", pa.float64()),  # of the steps it fires on with those it fires on at the end
        ("density", pa.float64()),  # of the steps looked at, as in FEATURES
        ("dwell", pa.float64()),
        ("words", pa.list_(pa.string())),
    ]
)
