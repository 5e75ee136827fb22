"""Inputs that a capture keeps beside its activations: copies of arrays, references to files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import torch
from torch import Tensor

from sparsetime.activations.capture.recording import InputFile
from sparsetime.activations.store.input_columns import STORED_INPUT
from sparsetime.activations.store.input_files import file_reference

if TYPE_CHECKING:
    from sparsetime.activations.capture.input_windows import Shard


def kept_inputs(
    shard: Shard, store: str, copies: str | None = None
) -> tuple[pa.Array, dict[str, Tensor]]:
    """The column `input` of the sequences that begin in a shard, and the tensors to copy.

    A document of a file is referred to; other arrays are copied in the dtype that they have, by
    the number of the sequence. A text is in the sequence table already. copies: the inputs file of
    the same shard of another site, which is referred to in place of more copies.

    Errors: those of `file_reference`.
    """
    references: list[str | None] = []
    tensors: dict[str, Tensor] = {}
    for window in shard.begun:
        document, name = window.prepared.document, str(window.sequence)
        file = None if document.recording is None else document.recording.file
        if document.kind == "text":
            references.append(None)
        elif file is not None:
            references.append(file_reference(file, store))
        elif copies is not None:
            copy = InputFile(copies, "safetensors", {STORED_INPUT: name})
            references.append(file_reference(copy, store))
        else:
            values = window.prepared.inputs.cpu()
            # NumPy, with which pages read them, has no bfloat16.
            tensors[name] = values.float() if values.dtype == torch.bfloat16 else values
            references.append(json.dumps({STORED_INPUT: name}))
    return pa.array(references, pa.string()), tensors
