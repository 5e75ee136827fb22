"""Small stores for the tests of this folder."""

import numpy as np
import pyarrow as pa
import torch

from sparsetime.activations.store.writer import StoreWriter

SETTINGS = {
    "model_name": "toy",
    "model_hash": "abc",
    "site": "layer",
    "unit": "token",
    "capture": {"shard_rows": 7, "window": None},
}


def values_of(rows, d=3, dtype=torch.float32):
    """Row r begins with the number r, so that a row is identified by its first entry."""
    x = torch.arange(rows, dtype=torch.float32)[:, None] + torch.arange(d) * 0.25
    return x.to(dtype)


def shards_of(lengths, shard_rows, d=3, dtype=torch.float32):
    """The arguments of `append` for sequences of the given lengths, shard after shard."""
    total = sum(lengths)
    sequence = np.repeat(np.arange(len(lengths)), lengths).astype(np.int32)
    first = np.cumsum(lengths) - np.array(lengths)
    position = (np.arange(total) - np.repeat(first, lengths)).astype(np.int32)
    x = values_of(total, d, dtype)
    for begin in range(0, total, shard_rows):
        end = min(begin + shard_rows, total)
        steps = pa.table(
            {
                "sequence": sequence[begin:end],
                "position": position[begin:end],
                "kind": pa.array([f"kind {r % 3}" for r in range(begin, end)]).dictionary_encode(),
            }
        )
        last = end == total
        begun = [i for i, f in enumerate(first) if begin <= f < end or (last and f == total)]
        table = pa.table(
            {
                "id": pa.array([f"document {i}" for i in begun], pa.string()),
                "length": pa.array([lengths[i] for i in begun], pa.int64()),
                "labels": pa.array([f'{{"topic": {i}}}' for i in begun], pa.string()),
                "text": pa.array([f"text {i}" for i in begun], pa.large_string()),
            }
        )
        yield x[begin:end], steps, table


def writer_at(out, d=3, dtype="float32", **other):
    return StoreWriter(out, **(SETTINGS | {"d": d, "dtype": dtype} | other))


def write_store(out, lengths, shard_rows=7, d=3, dtype="float32", **other):
    writer = writer_at(out, d, dtype, **other)
    shards = list(shards_of(lengths, shard_rows, d, getattr(torch, dtype)))
    for shard in shards[writer.shards_done :]:
        writer.append(*shard)
    return writer.finish()


def store_of_rows(x, out):
    """A store of given rows [rows, d], as one sequence."""
    (shard,) = shards_of([len(x)], len(x))
    writer = writer_at(out, x.shape[1])
    writer.append(x, *shard[1:])
    return writer.finish()
