"""st.probe: accuracy of a linear probe for a label, beside the same probe of an untrained copy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.store.store import Store
from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.metrics.probe_controls import raw_input, shuffled_activations
from sparsetime.metrics.probe_rows import ProbeRows, activations_of, probe_rows
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.untrained import untrained_copy
from sparsetime.statistics.linear_probe import ProbeResult, ProbeSplit, centred, probe_split
from sparsetime.statistics.nulls import random_code
from sparsetime.statistics.sparse_probe import k_sparse_probe, sequence_split

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.dictionaries.dictionary import Dictionary

ACTIVATIONS = "activations"
UNTRAINED = "untrained activations"
CODE = "code"
RANDOM = "random dictionary"
RAW = "raw input"
SHUFFLED = "shuffled time"


@final
@dataclass(frozen=True, eq=False)
class ProbeReport:
    """Probes of one label from several readers.

    readers: the result by reader: "activations", "untrained activations", and with a dictionary
    "code" and "random dictionary"; of a model also "raw input" and "shuffled time". columns: which
    columns each probe reads, ascending. of: "steps", or "sequences" for a label of whole sequences.
    left_out: why a reader is missing.
    """

    label: str
    k: int | None
    of: str
    readers: Mapping[str, ProbeResult]
    columns: Mapping[str, Int[np.ndarray, " k"]]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, reader: str) -> ProbeResult:
        return self.readers[reader]


def probe(
    model_or_store: str | Path | nn.Module | LoadedModel | Store,
    label: str,
    data: Any = None,
    site: str | None = None,
    *,
    labels: Any = None,
    k: int | None = None,
    dictionary: Dictionary | None = None,
    untrained: nn.Module | LoadedModel | Store | None = None,
    pool: str = "mean",
    seed: int = 0,
    progress: bool = True,
) -> ProbeReport:
    """Accuracy of a linear probe for a label, from activations, codes, and an untrained copy.

        accuracy = share of test rows with argmax_c (w_c . x + b_c) = label

    Of a model, `data` (documents with labels) is captured at `site` twice, from the model and from
    an untrained copy of it (`models.untrained_copy`, or `untrained=`); beside both stand the raw
    input, and the model on steps in a random order. Of a store, `untrained` is
    the store of the same data from an untrained copy; without one the number has no meaning, since
    a random network's activations hold many labels too.

    labels: of the recordings in data, as `st.capture` takes them. label: a step column, probed on
    single steps, split by alternating blocks of time; or a label of whole sequences, probed on the
    mean of each sequence's steps or on its last (`pool`), three quarters of the sequences for
    training. k: the probe reads only the k columns whose class means differ most
    (`statistics.k_sparse_probe`); None for all. dictionary: adds the reader "code", and "random
    dictionary", of equal width and L0 on the same activations.

    The probe is that of `metrics.slow_probe`: logistic regression, L2, C = 0.1, columns scaled.
    Source: Alain and Bengio 2016, "Understanding intermediate layers using linear classifier
    probes"; with k: Gurnee et al. 2023, "Finding neurons in a haystack".

    Errors: ConfigError where a store comes without untrained=, a model without data= or site=, or
    k is out of range; UnknownNameError for a label that the data do not have; DataError for a label
    without two classes on both sides; MismatchError where the two stores are of one model, of other
    data or of another site, or the dictionary is of other activations.
    """
    if isinstance(model_or_store, Store):
        store, twin = _checked_stores(model_or_store, data, site, untrained)
        rows = _rows(store, twin, label, dictionary, progress)
        return _report(rows, activations_of(twin, rows.kept), label, k, pool, seed, {})
    if data is None or site is None:
        missing = "data=" if data is None else "site="
        raise ConfigError(
            f"got a model without {missing}, expected the documents to probe on and the site to "
            f"read; give both, or a store and its untrained= twin"
        )
    if isinstance(untrained, Store):
        raise ConfigError(
            "got a model with a store as untrained=, expected an untrained model; give that, or "
            "leave it out and a copy is made"
        )
    loaded = load_model(model_or_store)
    fresh = untrained_copy(loaded, seed) if untrained is None else load_model(untrained)
    documents = list(as_documents(data))
    with tempfile.TemporaryDirectory() as folder:
        store, twin = (
            capture(
                one,
                documents,
                site,
                str(Path(folder) / name),
                labels=labels,
                tokenizer=loaded.tokenizer,
                progress=progress,
            )
            for name, one in (("trained", loaded), ("untrained", fresh))
        )
        rows = _rows(store, twin, label, dictionary, progress)
        controls: dict[str, Callable[[], Any]] = {
            RAW: lambda: raw_input(store, documents, rows.kept),
            SHUFFLED: lambda: shuffled_activations(
                *(store, documents, loaded, rows.kept, rows.of_steps, seed, folder, progress)
            ),
        }
        return _report(rows, activations_of(twin, rows.kept), label, k, pool, seed, controls)


def _checked_stores(
    store: Store, data: Any, site: str | None, untrained: Any
) -> tuple[Store, Store]:
    if data is not None or site is not None:
        raise ConfigError(
            "got a store with data= or site=, which a store has already; leave them out, or give "
            "the model"
        )
    if not isinstance(untrained, Store):
        raise ConfigError(
            f"got a store with untrained={type(untrained).__name__}, expected the store of the "
            f"same data from an untrained copy; capture it from "
            f"sparsetime.models.untrained_copy(model), or give the model instead of the store"
        )
    return store, untrained


def _rows(
    store: Store, twin: Store, label: str, dictionary: Dictionary | None, show: bool
) -> ProbeRows:
    if store.model_hash == twin.model_hash:
        raise MismatchError(
            "got two stores of the same model, expected the second one of an untrained copy; "
            "capture it from sparsetime.models.untrained_copy(model)"
        )
    if store.site != twin.site:
        raise MismatchError(
            f"got stores of the sites {store.site!r} and {twin.site!r}, expected one site; capture "
            f"both at the same one"
        )
    return probe_rows(store, label, dictionary, show)


def _report(
    rows: ProbeRows,
    fresh: Float[Tensor, "steps d"],
    label: str,
    k: int | None,
    pool: str,
    seed: int,
    controls: Mapping[str, Callable[[], Any]],
) -> ProbeReport:
    split = (
        probe_split(rows.labels, rows.lengths.tolist(), seed)
        if rows.of_steps
        else sequence_split(rows.labels, seed)
    )
    if split is None:
        raise DataError(
            f"got the label {label!r} without two classes that occur both in training and in test "
            f"{'blocks' if rows.of_steps else 'sequences'}, expected two; give more data, or "
            f"another label"
        )
    readers: dict[str, Callable[[], Any]] = {
        ACTIVATIONS: lambda: centred(rows.pooled(rows.activations, pool).toarray(), split),
        UNTRAINED: lambda: centred(rows.pooled(fresh, pool).toarray(), split),
    }
    if rows.code is not None:
        code = rows.code
        active = max(1, round(len(code.indices) / code.rows))
        readers[CODE] = lambda: rows.pooled(code, pool)
        readers[RANDOM] = lambda: rows.pooled(
            random_code(rows.activations, code.width, active, seed), pool
        )
    left_out: dict[str, str] = {}
    for name, control in controls.items():
        try:
            readers[name] = partial(_pooled, rows, control(), pool, split)
        except DataError as error:  # such as of a site with several rows a step
            left_out[name] = str(error)
    found = {name: k_sparse_probe(read(), split, k, seed) for name, read in readers.items()}
    return ProbeReport(
        label,
        k,
        "steps" if rows.of_steps else "sequences",
        {name: result for name, (result, _) in found.items()},
        {name: columns for name, (_, columns) in found.items()},
        left_out,
    )


def _pooled(rows: ProbeRows, x: SparseCode | Tensor, pool: str, split: ProbeSplit) -> Any:
    """What a probe reads of codes, as they are, and of activations, centred."""
    pooled = rows.pooled(x, pool)
    return pooled if isinstance(x, SparseCode) else centred(pooled.toarray(), split)
