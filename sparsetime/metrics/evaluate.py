"""Evaluate a dictionary on a store: one pass, many figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.activations.store.provenance import share_seen
from sparsetime.dictionaries import serialise
from sparsetime.errors import StoreError, unknown_name
from sparsetime.features.encoding import check_compatible, encode_store
from sparsetime.features.provenance import provenance_of, reuse_or_clear
from sparsetime.files import Folder
from sparsetime.metrics.evaluation_report import RECORD, EvaluationReport
from sparsetime.metrics.metric import LeftOut, Metric, MetricValue, Setting
from sparsetime.metrics.persistence_metrics import Timing
from sparsetime.metrics.probe_metrics import Probes
from sparsetime.metrics.reconstruction import Reconstruction
from sparsetime.metrics.smoothness import Smoothness
from sparsetime.metrics.sparsity import Sparsity
from sparsetime.metrics.temporal_metrics import OverTime
from sparsetime.models.load import weight_hash
from sparsetime.progress import progress as running

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary

FAMILIES: dict[str, type[Metric]] = {
    family.name: family
    for family in (Reconstruction, Sparsity, Timing, Smoothness, OverTime, Probes)
}


def metrics() -> dict[str, type[Metric]]:
    """Every figure by name, with the family that takes it."""
    return {figure: family for family in FAMILIES.values() for figure in family.specs}


def evaluate(
    sae: Dictionary,
    store: Store,
    metrics: Sequence[str] | None = None,
    out: str | Path | None = None,
    *,
    slow_label: str | None = None,
    fast_label: str | None = None,
    seed: int = 0,
    force: bool = False,
    progress: bool = True,
) -> EvaluationReport:
    """Take the figures of a dictionary on a store, best one of held-out documents.

    `metrics` names figures (`fvu`, `dwell`) or families (`timing`, `probes`); None takes all.
    Where the dictionary has nested groups every figure also comes for the first group and the rest,
    by their names (`sae.group_names`): `fvu/predicted` and `fvu/novel` of temporal feature
    analysis. `slow_label` and `fast_label` name what the probes predict; see `probes.Probes`. With
    `out`, a folder or URL, the report is written there as `evaluation.json`; a report of the same
    dictionary and store is replaced. `out` may be the folder that the dictionary itself was saved
    in, where any earlier report is replaced.

    `report.about["seen_in_training"]` is the share of the steps that the dictionary was also
    trained on: 0.0 for held-out documents, None where its record does not tell.

    A figure that this data does not allow is left out with its reason, in `report.left_out`. The
    code is held in memory, 12 bytes an entry, and doubled while figures are taken.

    Errors: UnknownNameError for a metric that does not exist; MismatchError where dictionary and
    store do not belong together; DataError for an empty store; StoreError where `out` holds
    anything else and `force` is not given. All come before the work.
    """
    wanted = _wanted(metrics)
    check_compatible(sae, store)
    subject = provenance_of(sae, store)
    if out is not None:
        _claim(Folder(str(out)), subject, force)
    setting = Setting(sae, slow_label, fast_label, seed)
    families = [family(setting) for family in FAMILIES.values() if wanted & family.meanings.keys()]
    for sequence in encode_store(sae, store, progress):
        for family in families:
            family.update(sequence)
    figures, left_out = _taken(families, wanted, progress)
    about = {
        "dictionary": sae.name,
        "width": sae.width,
        "model_name": store.model_name,
        "model_hash": store.model_hash,
        "site": store.site,
        "unit": store.unit,
        "sequences": len(store.sequence_indices),
        "steps": len(store),
        "seen_in_training": share_seen(sae.provenance.get("trained_on"), store),
        "seed": seed,
    }
    report = EvaluationReport(figures, left_out, about, subject)
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
    elif not force and weight_hash(serialise.load(folder.url)) != subject["dictionary"]:
        raise StoreError(
            f"{folder.url} holds another dictionary than the one evaluated, and a report there "
            f"would pass for that one's. Choose another folder, or the evaluated dictionary's own"
        )


def _wanted(given: Sequence[str] | None) -> set[str]:
    known = metrics()
    if given is None:
        return set(known)
    names = [given] if isinstance(given, str) else given
    wanted: set[str] = set()
    for name in names:
        if name in FAMILIES:
            wanted |= FAMILIES[name].specs.keys()
        elif name in known:
            wanted.add(name)
        else:
            raise unknown_name("metric", name, [*known, *FAMILIES])
    return wanted


def _taken(
    families: list[Metric], wanted: set[str], show: bool
) -> tuple[dict[str, MetricValue], dict[str, str]]:
    figures: dict[str, MetricValue] = {}
    left_out: dict[str, str] = {}
    with running("take figures", len(families), "families", show) as bar:
        for family in families:
            bar.say(family.name)
            for name, outcome in family.outcomes().items():
                base = name.partition("/")[0]
                if base not in wanted:
                    continue
                if isinstance(outcome, LeftOut):
                    left_out[name] = outcome.reason
                    continue
                meaning = family.specs[base]
                told = (meaning.definition, meaning.range, meaning.source)
                figures[name] = MetricValue(outcome.value, *told, outcome.details)
            bar.advance()
    return figures, left_out
