"""Which features of an index need time: their change when steps of the input change places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch.nn.functional import normalize

from sparsetime import seeds
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.dictionary_codes import DictionaryCodes, as_code_source
from sparsetime.features.encoding import kept_steps
from sparsetime.features.index import FeatureIndex
from sparsetime.features.index_of_dictionary import check_index_of
from sparsetime.features.indexed_view import indexed_view
from sparsetime.features.time_need.code_agreement import CodeAgreement
from sparsetime.features.time_need.shuffled_runs import ShuffledRun, ShuffledRuns
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.model_hash import is_model
from sparsetime.models.untrained import untrained_copy
from sparsetime.statistics.nulls import random_code, reordered

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.store.store import Store
    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.code_source import CodeSource

TABLE = "needs_time"
_SOURCE = "sparsetime needs-time"
_COLUMNS = (
    ColumnDefinition(
        "needs_time",
        "float64",
        "1 - cosine of the activation in order with that where steps of the input change places, "
        "at the same steps: 0 where a step decides alone, 1 where nothing stays",
        source=_SOURCE,
    ),
    ColumnDefinition(
        "needs_time_of_orders",
        "float64",
        "the same between two random orders: what any other order changes",
        source=_SOURCE,
    ),
    ColumnDefinition(
        "needs_time_rank",
        "float64",
        "share of random directions in an untrained copy of the model that need time less",
        source=_SOURCE,
    ),
    ColumnDefinition(
        "shuffled_level",
        "float64",
        "sum of |activation| where steps change places, over that in order",
        source=_SOURCE,
    ),
)


@final
@dataclass(frozen=True, eq=False)
class NeedsTime:
    """What the activation of features loses when the steps of the input change places.

    needs_time: by feature; NaN of one that is silent on the steps that were read. of_orders: the
    same between two random orders, in which time is lost from both. untrained: the same of as many
    random directions in an untrained copy of the model, with equal L0, of rows of unit length; it
    is sorted, and holds those that are active. level: strength where steps change places, over that
    in order. steps: that were read.
    """

    needs_time: Float[np.ndarray, " width"]
    of_orders: Float[np.ndarray, " width"]
    level: Float[np.ndarray, " width"]
    untrained: Float[np.ndarray, " active"]
    steps: int

    @property
    def rank(self) -> Float[np.ndarray, " width"]:
        """Share of the untrained copy's random directions that need time less."""
        place = np.searchsorted(self.untrained, self.needs_time)
        known = np.isfinite(self.needs_time) & (len(self.untrained) > 0)
        return np.where(known, place / max(1, len(self.untrained)), np.nan)


def needs_time(
    index: FeatureIndex,
    source: Dictionary | CodeSource,
    store: Store,
    model: str | Path | nn.Module | LoadedModel,
    data: Any = None,
    *,
    untrained: nn.Module | LoadedModel | None = None,
    shuffles: int = 2,
    block: int = 1,
    steps: int = 20_000,
    seed: int = 0,
    progress: bool = True,
) -> NeedsTime:
    """How much each feature of an index changes when the steps of the model's input change places.

        n_f = 1 - sum_t a_f(x)_t a_f(x')_t' / (|a_f(x)| |a_f(x')|)

    where x' is x in a random order and t' the new place of step t. A feature of single steps has
    n = 0, whatever it is a feature of. Whole sequences of the store, drawn at random until they
    hold `steps` steps, are given to the model in order and in `shuffles` random orders; `block`
    rows stay together, so that a need for less than a block is not seen. What a site's row joins
    (a patch) always stays together.

    model: that of the store. data: what the store was captured from; None where it keeps texts or
    inputs. source: what the index is of. untrained: a twin of the model; None makes one
    (`models.untrained_copy`).

    Written beside the index is the feature table "needs_time", by whose columns features are
    sorted and filtered.

    Errors: MismatchError for another model than the store's, and for another source than the
    index's; DataError for sequences whose input is not known, for an index of parts of recordings,
    and for a site with several rows a step; ConfigError for fewer than two shuffles and for a block
    below 1.
    """
    if shuffles < 2 or block < 1:
        raise ConfigError(
            f"got shuffles={shuffles} and block={block}, expected at least 2 orders, which are "
            "compared with each other, and blocks of at least 1 row"
        )
    codes = as_code_source(source)
    _check_source(index, codes)
    loaded = load_model(model)
    if not is_model(loaded.model, loaded.revision_or_hash, store.model_hash):
        raise MismatchError(
            f"got the model {loaded.name!r}, whose weights are not those that {store.path} was "
            f"captured with, {store.model_name!r}; give that model"
        )
    view = _drawn(indexed_view(index, store), steps, seed)
    twin = untrained_copy(loaded, seed) if untrained is None else load_model(untrained)
    encoded_by = codes.dictionary if isinstance(codes, DictionaryCodes) else source
    exclusion = StepExclusion.of_provenance(getattr(encoded_by, "provenance", {}))
    with TemporaryDirectory() as folder:
        runs = ShuffledRuns(view, data, loaded.tokenizer, block, seed, folder, progress)
        codes_of_orders = [
            list(_codes(codes, runs.run("trained", loaded, order), exclusion))
            for order in range(shuffles + 1)
        ]
        untrained_runs = [runs.run("untrained", twin, order) for order in (0, 1)]
        active = _active(codes_of_orders[0])
        null = _random_change(untrained_runs, codes.width, active, seed, exclusion)
    in_order, *changed = codes_of_orders
    forward, between = CodeAgreement(codes.width), CodeAgreement(codes.width)
    for one in changed:
        forward.add_all(in_order, one)
    for one in changed[1:]:
        between.add_all(changed[0], one)
    found = NeedsTime(
        forward.change,
        between.change,
        forward.level,
        np.sort(null[np.isfinite(null)]),
        len(view),
    )
    index.add_table(
        TABLE,
        {
            "feature": np.arange(index.width),
            "needs_time": found.needs_time,
            "needs_time_of_orders": found.of_orders,
            "needs_time_rank": found.rank,
            "shuffled_level": found.level,
        },
        _COLUMNS,
    )
    return found


def _check_source(index: FeatureIndex, codes: CodeSource) -> None:
    """Errors: MismatchError where the index is of another source."""
    if isinstance(codes, DictionaryCodes):
        check_index_of(index, codes.dictionary)
    elif index.record["subject"]["dictionary"] != codes.fingerprint:
        raise MismatchError(
            f"got the source {codes.name!r}, of which the index {index.path} is not; give the "
            "source that was indexed"
        )


def _drawn(view: Store, steps: int, seed: int) -> Store:
    """Whole sequences of a view, drawn at random until they hold `steps` steps, in its order."""
    lengths = view.segments.numpy_lengths
    drawn = seeds.numpy_generator(seed, "sequences of shuffled inputs").permutation(len(lengths))
    drawn = drawn[lengths[drawn] > 0]
    before = np.cumsum(lengths[drawn]) - lengths[drawn]
    return view.of_sequences(np.sort(drawn[before < steps]))


def _codes(
    source: CodeSource, run: ShuffledRun, exclusion: StepExclusion
) -> Iterator[tuple[SparseCode, Bool[np.ndarray, " rows"]]]:
    """The code of every sequence in the order of time, and which of its rows are not left out."""
    store = run.store
    sequences = (store.sequence(place) for place in range(len(store.sequence_indices)))
    for (stored, code), places in zip(source.codes(sequences), run.places, strict=True):
        back = np.argsort(places)
        yield reordered(code, back), kept_steps(stored, exclusion).numpy()[back]


def _active(codes: list[tuple[SparseCode, Bool[np.ndarray, " rows"]]]) -> int:
    """Mean number of active latents of a row that is not left out, at least 1."""
    entries = sum(len(code.indices) for code, _ in codes)
    return max(1, round(entries / max(1, sum(int(kept.sum()) for _, kept in codes))))


def _random_change(
    runs: list[ShuffledRun], width: int, active: int, seed: int, exclusion: StepExclusion
) -> Float[np.ndarray, " width"]:
    """The change of random directions between the runs of two orders, of rows of unit length.

    In an untrained copy a memory may grow without bound, and its few longest rows would decide.
    """
    rows, kept = [], []
    for run in runs:
        for place, places in enumerate(run.places):
            stored, back = run.store.sequence(place), np.argsort(places)
            rows.append(stored.values[back])
            kept.append(kept_steps(stored, exclusion).numpy()[back])
    half = len(rows) // 2
    both = [first & second for first, second in zip(kept[:half], kept[half:], strict=True)]
    values = torch.cat([x[torch.from_numpy(k)] for x, k in zip(rows, both + both, strict=True)])
    code = random_code(normalize(values.float()), width, min(active, width), seed)
    agreement = CodeAgreement(width)
    middle = len(values) // 2
    agreement.add(code.row_slice(0, middle), code.row_slice(middle, len(values)))
    return agreement.change
