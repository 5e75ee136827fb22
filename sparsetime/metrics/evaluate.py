"""st.evaluate: the metrics of a dictionary on a store, from one pass over its sequences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.activations.sources.as_store import as_store, has_time
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.provenance import fraction_seen
from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import DataError, MismatchError, StoreError, unknown_name
from sparsetime.features.encoding import check_compatible
from sparsetime.features.provenance import provenance_of, reuse_or_clear
from sparsetime.files import Folder, locks
from sparsetime.metrics.ce_increase import MODEL
from sparsetime.metrics.compute_metrics import computed_metrics
from sparsetime.metrics.description_length import DESCRIPTION_LENGTH
from sparsetime.metrics.error_split import ERROR
from sparsetime.metrics.evaluation_data import EvaluationContext
from sparsetime.metrics.evaluation_report import RECORD, EvaluationReport
from sparsetime.metrics.group_metrics import check_label, metrics_by_group
from sparsetime.metrics.latent_groups import latent_groups
from sparsetime.metrics.measured_on import measured_on
from sparsetime.metrics.metric import Metric
from sparsetime.metrics.persistence_metrics import PERSISTENCE
from sparsetime.metrics.probe_metrics import PROBES
from sparsetime.metrics.reconstruction import RECONSTRUCTION
from sparsetime.metrics.smoothness import SMOOTHNESS
from sparsetime.metrics.sparsity import SPARSITY
from sparsetime.metrics.temporal_metrics import TEMPORAL
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.model_hash import is_model
from sparsetime.tensors import ArrayLike
from sparsetime.torch_settings import float32_by_default

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary

#: Families of metrics by name, in the order in which they are computed.
FAMILIES: dict[str, tuple[Metric, ...]] = {
    "reconstruction": RECONSTRUCTION,
    "error": ERROR,
    "description_length": DESCRIPTION_LENGTH,
    "sparsity": SPARSITY,
    "persistence": PERSISTENCE,
    "smoothness": SMOOTHNESS,
    "temporal": TEMPORAL,
    "probes": PROBES,
    "model": MODEL,
}
_IN_TIME = frozenset(
    metric.name for metrics in (PERSISTENCE, SMOOTHNESS, TEMPORAL) for metric in metrics
)
_NO_TIME = "rows of shape [rows, d] have no order of time; give [sequences, time, d], or a store"
#: Names of families in 0.1.0.
_RENAMED = {"timing": "persistence", "over_time": "temporal"}


def metrics() -> dict[str, Metric]:
    """Every metric by name, in the order of their families."""
    return {metric.name: metric for family in FAMILIES.values() for metric in family}


@locks("out")
@float32_by_default()
def evaluate(
    sae: Dictionary,
    store: Store | ArrayLike,
    metrics: Sequence[str] | None = None,
    out: str | Path | None = None,
    *,
    model: str | Path | nn.Module | LoadedModel | None = None,
    context: int = 128,
    tokens: int = 16_384,
    slow_label: str | None = None,
    fast_label: str | None = None,
    by: str | None = None,
    seed: int = 0,
    force: bool = False,
    progress: bool = True,
    exclusion: StepExclusion | None = None,
) -> EvaluationReport:
    """Compute the metrics of a dictionary on a store, best on held-out documents.

    `store` may also be a tensor [sequences, time, d], or [rows, d], of which the metrics that need
    an order of time are left out.

    `metrics` names metrics (`fvu`, `dwell`) or families (`persistence`, `probes`); None takes all.
    Where the dictionary has nested groups, every metric is also computed for the first group and
    for the rest, under their names (`sae.group_names`): `fvu/predicted` and `fvu/novel` of temporal
    feature analysis. `slow_label` and `fast_label` name what the probes predict; see
    `probe_metrics`. `model` is the model of the store's activations; with it the increase in
    cross-entropy is computed, in windows of `context` tokens, on at most `tokens` tokens.

    `exclusion`: steps that are left out of every metric, and pass unchanged where the dictionary is
    spliced in; None takes those that its training left out, `StepExclusion()` none.

    `by` is a label of sequences, such as the subject: `report.groups` then holds every metric for
    each of its values too, and probes are fitted on half of the groups and scored on the others.

    With `out`, a folder or URL, the report is written there as `evaluation.json`; a report of the
    same dictionary and store is replaced. `out` may be the folder that the dictionary itself was
    saved in, where any earlier report is replaced.

    `report.about["seen_in_training"]` is the share of the steps that the dictionary was also
    trained on: 0.0 for held-out documents, None where its record does not hold that. Each metric
    has a sentence on it, and on the split, in `details["measured_on"]`.

    A metric that the data do not allow is left out with its reason, in `report.left_out`. The
    code is held in memory, 12 bytes an entry, and doubled while metrics are computed.

    Errors: UnknownNameError for a metric that does not exist; MismatchError where dictionary, store
    and model do not belong together; DataError for an empty store; StoreError where `out` holds
    anything else and `force` is not given. All come before the work.
    """
    chosen = _wanted(metrics)
    in_time = has_time(store)
    store = as_store(store, "evaluate")
    check_compatible(sae, store)
    if by is not None:
        check_label(store, by)
    subject = provenance_of(dictionary_hash(sae), store)
    if out is not None:
        _claim(Folder(str(out)), subject, force)
    if exclusion is None:
        exclusion = StepExclusion.of_provenance(sae.provenance)
    exclusion = exclusion.measured(store.reader, store.segments, store.first_rows)
    inputs = EvaluationContext(
        sae,
        store,
        latent_groups(sae),
        slow_label=slow_label,
        fast_label=fast_label,
        model=None if model is None else _checked_model(model, store),
        context=context,
        tokens=tokens,
        seed=seed,
        exclusion=exclusion,
        by=by,
    )
    excluded = exclusion.merged(store.manifest.exclusion)
    computable = [metric for metric in chosen if in_time or metric.name not in _IN_TIME]
    values, left_out = computed_metrics(inputs, computable, progress)
    left_out |= {metric.name: _NO_TIME for metric in chosen if metric not in computable}
    groups = {} if by is None else metrics_by_group(inputs, by, computable, progress)
    seen = fraction_seen(sae.provenance.get("trained_on"), store)
    values = measured_on(values, store, seen)
    about = {
        "dictionary": sae.name,
        "width": sae.width,
        "model_name": store.model_name,
        "model_hash": store.model_hash,
        "site": store.site,
        "unit": store.unit,
        "sequences": len(store.sequence_indices),
        "steps": len(store),
        "seen_in_training": seen,
        "seed": seed,
        **({"split": store.note} if store.note else {}),
        **({} if by is None else {"by": by}),
        **({"excluded_steps": excluded.to_config()} if excluded else {}),
    }
    report = EvaluationReport(values, left_out, about, subject, groups)
    if out is not None:
        report.save(out)
    return report


def _claim(folder: Folder, subject: dict[str, str], force: bool) -> None:
    """Make sure that the report may be written into the folder, before the work."""
    if not folder.exists(serialise.JSON_NAME):
        reuse_or_clear(
            folder,
            what="evaluation",
            record=RECORD,
            own_names=(RECORD,),
            subject=subject,
            force=force,
        )
    elif not force and dictionary_hash(serialise.load(folder.url)) != subject["dictionary"]:
        raise StoreError(
            f"{folder.url} holds another dictionary than the one evaluated, and a report there "
            f"would pass for that one's. Choose another folder, or the evaluated dictionary's own"
        )


def _wanted(metrics_or_families: Sequence[str] | None) -> list[Metric]:
    """The metrics that were asked for, in the order of their families."""
    all_metrics = metrics()
    if metrics_or_families is None:
        return list(all_metrics.values())
    names = [metrics_or_families] if isinstance(metrics_or_families, str) else metrics_or_families
    chosen: set[str] = set()
    for name in names:
        if name in FAMILIES:
            chosen |= {metric.name for metric in FAMILIES[name]}
        elif name in all_metrics:
            chosen.add(name)
        else:
            renamed = _RENAMED.get(name)
            hint = "" if renamed is None else f"the family is now called {renamed!r}"
            raise unknown_name("metric", name, [*all_metrics, *FAMILIES], hint)
    return [metric for metric in all_metrics.values() if metric.name in chosen]


def _checked_model(model: str | Path | nn.Module | LoadedModel, store: Store) -> LoadedModel:
    """The model, which must be the one that the store was captured from."""
    if not store.model_hash:
        raise DataError(
            "the activations are a tensor, and neither their model nor their tokens are known; "
            "leave out model=, or give the store that sparsetime.capture wrote"
        )
    loaded = load_model(model)
    if not is_model(loaded.model, loaded.revision_or_hash, store.model_hash):
        raise MismatchError(
            f"got a model with hash {loaded.revision_or_hash[:12]}, expected the model of the "
            f"store's activations, {store.model_name} with hash {store.model_hash[:12]}"
        )
    return loaded
