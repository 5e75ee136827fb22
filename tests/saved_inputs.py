"""Inputs beside a run, as `save_inputs` of 0.1.0 wrote them; the explorer still reads them."""

import json

import numpy as np

from sparsetime.explorer.workbench.input_source import INPUTS, VERSION
from sparsetime.files import Folder


def save_inputs(run, inputs, channels=()):
    """inputs: by the sequence's number, a series [time(, channels)] or frames of bytes."""
    kept = {}
    for number, values in inputs.items():
        array = np.asarray(values)
        array = array[:, None] if array.ndim == 1 else array
        frames = array.ndim in (3, 4) and array.dtype == np.uint8
        kept[str(number)] = np.ascontiguousarray(array if frames else array.astype(np.float32))
    Folder(str(run)).write_tensors(INPUTS, kept, VERSION, {"channels": json.dumps(list(channels))})
