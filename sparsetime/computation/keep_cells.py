"""The cost by step of the documents of a run, kept in its folder for the explorer."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Int
from torch import nn

from sparsetime.activations.capture.stored_documents import stored_documents
from sparsetime.activations.store.open_store import open_store
from sparsetime.computation.count_cells import count_cells
from sparsetime.computation.model_data import model_batches
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.step_cells import StepCells
from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel

COSTS = "costs"
_WHOLE = 2**31  # tokens; the model's own limit is less
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def keep_cells(
    model: Sparse | str | Path | nn.Module | LoadedModel,
    run: str | os.PathLike[str],
    name: str = "cost",
    sequences: int = 16,
) -> StepCells:
    """Count a model by step on the first documents of a run, and write that into `costs/name`.

    The documents are those that the store of the run keeps. The explorer shows the result over the
    timeline, on its axis of time.

    Errors: ConfigError for a name that is none of a folder; those of `stored_documents`,
    `model_batches` and `count_cells`.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"got the name {name!r}, expected letters, digits, '-', '_' and '.', as of a folder"
        )
    folder = Folder(folder_url(run, "run"))
    sparse = model if isinstance(model, Sparse) else Sparse(load_causal_model(model))
    store = open_store((folder / "activations").url)
    documents = list(islice(stored_documents(store), sequences))
    data: list[Any] = [
        torch.as_tensor(d.values)[None] if d.values is not None else d for d in documents
    ]
    window = store.manifest.capture.get("window") or _WHOLE
    batches = model_batches(sparse.loaded, data, window)
    cells = count_cells(sparse, batches, [document.id for document in documents])
    texts = [document.text for document in documents if document.text is not None]
    if texts and sparse.loaded.tokenizer is not None:
        rows = [_rows_of_tokens(sparse.loaded.tokenizer, text) for text in texts]
        cells = replace(cells, table=_of_rows(cells.table, rows))
    cells.save((folder / COSTS / name).url)
    return cells


def _rows_of_tokens(tokenizer: Any, text: str) -> Int[np.ndarray, " tokens"]:
    """The row of a store that each token is; -1 for special tokens, of which none is kept."""
    tokens = tokenizer(text, verbose=False)["input_ids"]
    mask = tokenizer.get_special_tokens_mask(tokens, already_has_special_tokens=True)
    is_kept = np.asarray(mask) == 0
    return np.where(is_kept, np.cumsum(is_kept) - 1, -1)


def _of_rows(table: pa.Table, rows: Sequence[Int[np.ndarray, " tokens"]]) -> pa.Table:
    """The cells of steps that have a row in the store, by its number."""
    sequences, positions = (table[name].to_numpy() for name in ("sequence", "position"))
    numbered = np.full(len(positions), -1, np.int32)
    for place, own in enumerate(rows):
        here = sequences == place
        numbered[here] = own[positions[here]]
    column = table.column_names.index("position")
    return table.set_column(column, "position", pa.array(numbered)).filter(numbered >= 0)
