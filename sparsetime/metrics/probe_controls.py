"""Controls of a probe: the raw input of each row, and the model's rows of shuffled steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from sparsetime.activations.capture.document import Document
from sparsetime.codes import SparseCode, offsets_of
from sparsetime.errors import DataError
from sparsetime.features.time_need.shuffled_runs import ShuffledRuns

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.models.load import LoadedModel

_MOST = 4096  # numbers of a row; a probe of more of them says little and takes long


def raw_input(
    store: Store, documents: Sequence[Document], kept: tuple[Bool[Tensor, " time"], ...]
) -> SparseCode | Tensor:
    """What the model was given at every kept row: tokens as marks, values as their mean.

    A row that joins several steps has the mean of their values.

    Errors: DataError for a site with more rows than steps, and for values of more than 4,096
    numbers a step.
    """
    are_tokens = "token" in store.reader.step_columns()
    by_id = {one.id: one for one in documents}
    rows = []
    for number, mask in enumerate(kept):
        stored = store.sequence(number)
        if are_tokens:
            tokens = torch.from_numpy(stored.steps["token"].to_numpy().astype("int64"))
            rows.append(tokens[mask])
            continue
        given = by_id[stored.id].values
        numbers = given[:1].numel()
        if numbers > _MOST or len(given) < len(mask):
            raise DataError(
                f"got {len(mask)} rows of {len(given)} steps of {numbers} numbers, "
                f"expected at most one row a step, of at most {_MOST:,}"
            )
        values = given.double().flatten(1)
        of_row = max(1, round(len(values) / max(1, len(mask))))
        means = [part.mean(0) for part in values[: of_row * len(mask)].split(of_row)]
        means += [values[-1]] * (len(mask) - len(means))
        rows.append(torch.stack(means)[mask].float() if means else values[:0].float())
    joined = torch.cat(rows)
    if not are_tokens:
        return joined
    offsets = offsets_of(torch.arange(len(joined)), len(joined))
    width = int(joined.max()) + 1 if len(joined) else 1
    return SparseCode(offsets, joined, torch.ones(len(joined)), width, (len(joined),))


def shuffled_activations(
    store: Store,
    documents: Sequence[Document],
    model: LoadedModel,
    kept: tuple[Bool[Tensor, " time"], ...],
    of_steps: bool,
    seed: int,
    folder: str,
    show: bool,
) -> Tensor:
    """The model's rows where the steps of every sequence change places, [kept steps, d].

    of_steps: whether rows go back to the step whose content they hold, as a label of steps does.

    Errors: those of `ShuffledRuns`.
    """
    runs = ShuffledRuns(store, documents, model.tokenizer, 1, seed, folder, show)
    run = runs.run("probe", model, 1)
    rows = []
    for number, (mask, places) in enumerate(zip(kept, run.places, strict=True)):
        values = run.store.sequence(number).values
        rows.append((values[np.argsort(places)] if of_steps else values)[mask])
    return torch.cat(rows)
