"""Cost by layer and step of a sequence, for the lane over the timeline."""

from __future__ import annotations

import base64
import re

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Float

from sparsetime.computation.step_cells import RECORD, StepCells, open_cells
from sparsetime.errors import SparsetimeError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.contexts import find_sequence

COSTS = "costs"
COLUMNS = 1000
_MOST = 3  # strips
_LAYER = re.compile(r"(.*?\.\d+)(\.|$)")


class CostStrip(FrozenRecord):
    """What a model computed: column c lasts from step `begin` + c * `stride` on.

    rows: layers, in the order in which the model calls them. needed, vain, missed: base64 of uint8
    [rows, columns], 255 for all multiplications of a dense layer: computed and needed, computed in
    vain, and left out though needed. counted: base64 of uint8 [columns], 1 where there are counts.
    """

    name: Text
    model: Text
    plans: list[Text]
    note: Text = ""  # why it cannot be shown; empty where it can
    begin: float = 0.0
    stride: float = 1.0
    columns: int = 0
    rows: tuple[Text, ...] = ()
    shares: tuple[float, ...] = ()  # of computed and needed, in vain, and missed, over these steps
    needed: Text = ""
    vain: Text = ""
    missed: Text = ""
    counted: Text = ""


class CostStrips(FrozenRecord):
    """The strips of the steps `first` to `stop`; empty where no cost of the sequence was kept."""

    first: int
    stop: int
    strips: tuple[CostStrip, ...] = ()


def cost_strips(
    opened: RunCache, key: str, sequence: int, first: int = 0, stop: int | None = None
) -> CostStrips:
    """What `sparsetime cost --keep` counted, by layer over the steps `first` to `stop` (exclusive).

    A column that lasts several steps is their sum. At most three strips are shown, by name
    of those that hold the sequence.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, length = segment(opened, key, sequence, first, stop)
    home = opened.folder / COSTS
    names = [name for name in home.names() if home.exists(f"{name}/{RECORD}")]
    if not names:
        return CostStrips(first=first, stop=stop)
    store = opened.dictionary(key).store
    own = find_sequence(store, sequence)
    # Of a part of a sequence, steps are numbered from the first that is indexed.
    before = None if store.whole_sequences else int(own.steps["position"][0].as_py())
    strips: list[CostStrip] = []
    for name in names:
        if len(strips) == _MOST:
            break
        try:
            cells = open_cells((home / name).url)
        except SparsetimeError as error:
            strips.append(CostStrip(name=name, model="", plans=[], note=str(error)))
            continue
        if own.id in cells.sequences:
            place = cells.sequences.index(own.id)
            strips.append(_strip(name, cells, place, first, stop, length, before))
    return CostStrips(first=first, stop=stop, strips=tuple(strips))


def _strip(
    name: str,
    cells: StepCells,
    place: int,
    first: int,
    stop: int,
    length: int,
    before: int | None,
) -> CostStrip:
    """before: steps of the sequence in front of the indexed ones; None where it is whole."""
    about = {"name": name, "model": cells.model, "plans": list(cells.plans)}
    table = cells.table.filter(pc.equal(cells.table["sequence"], place))
    positions = table["position"].to_numpy() - (before or 0)
    counted = max(0, int(positions.max(initial=-1)) + 1)
    is_longer = before is None and counted > length
    if counted < length - 1 or is_longer:  # a last window of one token predicts nothing
        note = (
            f"counted over {counted} steps of this sequence, which has {length}; count again with "
            "the model and tokenizer of the run"
        )
        return CostStrip(**about, note=note)
    layers = [_layer(matrix) for matrix in cells.matrices]
    rows = list(dict.fromkeys(layers))
    row_of = np.array([rows.index(layer) for layer in layers])
    codes = table["matrix"].combine_chunks().indices.to_numpy()
    columns = min(COLUMNS, stop - first)
    stride = (stop - first) / columns
    inside = (positions >= first) & (positions < stop)
    at = row_of[codes[inside]], ((positions[inside] - first) / stride).astype(int)
    sums = {}
    for column in ("dense", "computed", "needed", "missed"):
        sums[column] = np.zeros((len(rows), columns))
        np.add.at(sums[column], at, table[column].to_numpy()[inside])
    vain = sums["computed"] - sums["needed"]
    dense = np.maximum(sums["dense"], 1)
    total = max(float(sums["dense"].sum()), 1.0)
    return CostStrip(
        **about,
        begin=float(first),
        stride=stride,
        columns=columns,
        rows=tuple(rows),
        shares=tuple(float(one.sum() / total) for one in (sums["needed"], vain, sums["missed"])),
        needed=_bytes(sums["needed"] / dense),
        vain=_bytes(vain / dense),
        missed=_bytes(sums["missed"] / dense),
        counted=_bytes((sums["dense"].sum(0) > 0)[None] / 255),
    )


def _layer(matrix: str) -> str:
    """The layer of a matrix: its path up to the first number, or all of it."""
    found = _LAYER.match(matrix)
    return found[1] if found else matrix


def _bytes(shares: Float[np.ndarray, "rows columns"]) -> str:
    return base64.b64encode(np.rint(shares.clip(0, 1) * 255).astype(np.uint8).tobytes()).decode()
