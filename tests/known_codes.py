"""Stores and dictionaries whose codes are known in advance.

The dictionary `Itself` codes activations as themselves: the code of x is its positive entries. So
a store of chosen activations has a chosen code, and every figure on it has a closed form.
"""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from sparsetime.activations.store.store import Store
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.normalisation import Normalisation


class Itself(nn.Module):
    """Each latent is a coordinate; `gain` scales the reconstruction."""

    out_dims = None
    is_stateful = False

    def __init__(self, width, groups=None, gain=1.0, names=("high", "low")):
        super().__init__()
        self.d_in = self.width = width
        self.groups = groups or (width,)
        self.group_names = names if groups else None
        self.gain = nn.Parameter(torch.tensor(gain))
        self.normalisation = Normalisation()
        self.name = "itself"
        self.provenance = {}
        self.seen = []

    @property
    def atoms(self):
        return self.gain * torch.eye(self.width)

    @property
    def output_normalisation(self):
        return Normalisation()

    def encode(self, x):
        self.seen.append(tuple(x.shape))
        return SparseCode.from_dense(x.clamp_min(0))

    def stream(self):
        return self  # nothing is remembered from step to step

    def feed(self, x):
        return self.encode(x)

    def decode(self, code):
        return self.gain * code.dense()

    def reconstruct(self, code, x):
        return self.decode(code)


def make_store(out, sequences, *, texts=None, steps=None, labels=None, **settings) -> Store:
    """A store of chosen sequences, each [time, d].

    texts: one a sequence, whose words (split at spaces) are the steps; or tuples of a text and
    its character spans. steps: further columns, by name a list a sequence. labels: one dict each.
    """
    sequences = [torch.as_tensor(s, dtype=torch.float32) for s in sequences]
    known = {"model_name": "made", "model_hash": "a" * 64, "site": "layer", "unit": "token"}
    known |= settings
    writer = StoreWriter(str(out), d=sequences[0].shape[1], dtype="float32", capture={}, **known)
    lengths = [len(s) for s in sequences]
    columns = {
        "sequence": pa.array(np.repeat(np.arange(len(lengths)), lengths), pa.int32()),
        "position": pa.array(np.concatenate([np.arange(n) for n in lengths]), pa.int32()),
    }
    table = {
        "id": [f"document {i}" for i in range(len(lengths))],
        "length": lengths,
        "labels": [json.dumps(one) for one in labels or [{}] * len(lengths)],
    }
    if texts:
        spans = [t[1] if isinstance(t, tuple) else word_spans(t) for t in texts]
        table["text"] = [t[0] if isinstance(t, tuple) else t for t in texts]
        flat = np.array([span for one in spans for span in one]).reshape(-1, 2)
        columns["char_start"] = pa.array(flat[:, 0], pa.int32())
        columns["char_end"] = pa.array(flat[:, 1], pa.int32())
    for name, values in (steps or {}).items():
        columns[name] = pa.array([value for one in values for value in one])
    writer.append(torch.cat(sequences), pa.table(columns), pa.table(table))
    return writer.finish()


def view(store, places) -> Store:
    """The sequences at these places of a store."""
    return store.of_sequences(np.array(places, dtype=np.int64))


def word_spans(text):
    spans, at = [], 0
    for word in text.split(" "):
        spans.append((at, at + len(word)))
        at += len(word) + 1
    return spans


def code_of(rows, width=None) -> SparseCode:
    """The code of a dense list of rows."""
    dense = torch.as_tensor(rows, dtype=torch.float32)
    return SparseCode.from_dense(dense.reshape(len(rows), width or dense.shape[-1]))


def column(values):
    """One feature along time: the code of width 1."""
    return code_of([[v] for v in values])
