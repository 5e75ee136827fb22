"""A run to explore that nobody trained: a made-up code over made-up words, indexed as any other."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from feature_lookup import synthetic

import sparsetime
from sparsetime import Store
from sparsetime.activations import StoreWriter
from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.features.build_tables import EncodedStore
from sparsetime.features.index_files import write_index
from sparsetime.features.provenance import provenance_of
from sparsetime.files import Folder

D, K = 384, 32


def make_run(out: str, entries: int, width: int) -> None:
    """A run of one dictionary of `width` latents, and about `entries` codes of it."""
    coded = synthetic(entries, width, K)
    store = write_store(f"{out}/activations", coded)
    sae = sparsetime.dictionary("topk", d_in=D, width=width, k=K)
    sae.save(f"{out}/synthetic")
    about = {"dictionary": "topk", "model_name": store.model_name, "model_hash": "0",
             "site": store.site, "unit": "token"}  # fmt: skip
    subject = provenance_of(dictionary_hash(sae), store)
    write_index(coded, Folder(f"{out}/synthetic/features"), subject, about)


def about_run(run: str) -> dict[str, Any]:
    """Description of a run: its dictionaries, their features and codes."""
    folder = Folder(run)
    records = [f"{name}/features/index.json" for name in folder.names()]
    indexes = [folder.read_json(record) for record in records if folder.exists(record)]
    return {
        "model": indexes[0]["model_name"],
        "dictionaries": len(indexes),
        "features": [index["width"] for index in indexes],
        "codes": [index["entries"] for index in indexes],
    }


def write_store(out: str, coded: EncodedStore) -> Store:
    """Rows without meaning under words of known places."""
    writer = StoreWriter(
        out, model_name="synthetic", model_hash="0", site="none", d=D, dtype="float16",
        unit="token", capture={},
    )  # fmt: skip
    words = [f"{coded.words[w]} " for w in coded.word_of_row]
    segments = coded.segments
    texts, start, end = [], [], []
    for a, b in pairwise(segments.offsets.tolist()):
        size = np.array([len(word) for word in words[a:b]])
        end.append(np.cumsum(size) - 1)
        start.append(np.cumsum(size) - size)
        texts.append("".join(words[a:b]))
    steps = pa.table(
        {
            "sequence": pa.array(coded.sequence_of_row.astype(np.int32)),
            "position": pa.array(segments.position.numpy().astype(np.int32)),
            "char_start": pa.array(np.concatenate(start).astype(np.int32)),
            "char_end": pa.array(np.concatenate(end).astype(np.int32)),
        }
    )
    sequences = pa.table(
        {
            "id": coded.ids,
            "length": segments.numpy_lengths,
            "text": pa.array(texts, pa.large_string()),
        }
    )
    writer.append(torch.zeros(coded.code.rows, D, dtype=torch.float16), steps, sequences)
    return writer.finish()
