"""The demo: capture, training, index, evaluation and report of a small language model."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import yaml

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.store.open_store import open_store
from sparsetime.activations.store.store import Store
from sparsetime.config import read_config
from sparsetime.demo.settings import DemoSettings
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.errors import StoreError
from sparsetime.features.build_index import index
from sparsetime.files import Folder, locks
from sparsetime.files.other_files import check_no_other_files
from sparsetime.metrics.evaluate import evaluate
from sparsetime.metrics.evaluation_report import RECORD as EVALUATION
from sparsetime.models.load import LoadedModel
from sparsetime.models.sites import resolve_site
from sparsetime.reports.report import report
from sparsetime.testbeds.prose.corpus import corpus
from sparsetime.testbeds.prose.minilm import minilm
from sparsetime.training.train import train

CONFIG, METRICS, TIMES, STORE = "config.yaml", "metrics.json", "times.json", "activations"


@locks("out")
def demo(
    out: str | Path = "runs/demo",
    config: str | Path | None = None,
    force: bool = False,
    overrides: dict[str, Any] | None = None,
) -> Path:
    """Run the demo and return the path of its report.

    Activations of all-MiniLM-L6-v2 on English text of CPython are captured. Four dictionaries are
    trained, one on single rows and three on pairs or segments of time. All are indexed, and
    evaluated on held-out documents. `config` is a YAML file of `DemoSettings`, `overrides`
    change single settings (`{"train.rows": 100_000}`).

    Finished stages of an earlier call are kept; `force` removes the run and starts again.

    Errors: ConfigError where the model's package is missing or a setting is wrong; StoreError
    where `out` holds another run and `force` is not given.
    """
    settings = read_config(config, DemoSettings, overrides)
    folder = Folder(os.fspath(out))
    _refuse_others(folder, settings, force)
    model = minilm()
    resolve_site(model.model, settings.capture.site)
    _dictionaries(settings, d_in=64)  # a wrong setting is an error before the capture
    _claim(folder, settings, force)
    stages = _Stages(folder)

    store = stages.run("capture", lambda: _captured(folder, model, settings))
    train_part, held_out = store.split(held_out=settings.held_out, seed=settings.split_seed)
    dictionaries = stages.run("train", lambda: _trained(folder, train_part, settings))
    for sae in dictionaries:
        at = folder / sae.name
        stages.run(f"index {sae.name}", partial(index, sae, store, at.url + "/features"))
        if not at.exists(EVALUATION):
            stages.run(f"evaluate {sae.name}", partial(_evaluated, sae, held_out, at))
    _write_metrics(folder, settings, dictionaries, store, held_out)
    return stages.run("report", lambda: report(folder.url))


T = TypeVar("T")


class _Stages:
    """Runs stages and records the seconds of each, summed over all calls for the run."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._seconds: dict[str, float] = {}
        if folder.exists(TIMES):
            self._seconds = folder.read_json(TIMES, 1, "Remove it; its times are lost")

    def run(self, name: str, work: Callable[[], T]) -> T:
        began = time.monotonic()
        result = work()
        taken = time.monotonic() - began
        # An interrupted stage adds up; a finished stage that is skipped adds almost nothing.
        self._seconds[name] = round(self._seconds.get(name, 0.0) + taken, 1)
        self._folder.write_json(TIMES, self._seconds)
        return result


def _text(settings: DemoSettings) -> str:
    return "# sparsetime demo --config THIS_FILE runs it again\n" + yaml.safe_dump(
        settings.model_dump(), sort_keys=False
    )


def _refuse_others(folder: Folder, settings: DemoSettings, force: bool) -> None:
    if force:
        if not folder.exists(CONFIG):
            advice = "--force empties demo runs alone; choose another --out"
            check_no_other_files(folder, "demo run", advice=advice)
    elif folder.exists(CONFIG):
        if folder.read_text(CONFIG, 1, "Pass --force to start again in its place") != _text(
            settings
        ):
            raise StoreError(
                f"{folder.url} holds a demo run with other settings (see its {CONFIG}); choose "
                "another --out, or --force to start again in its place"
            )
    else:
        check_no_other_files(folder, "demo run", advice="Choose another --out")


def _claim(folder: Folder, settings: DemoSettings, force: bool) -> None:
    if force:
        for name in folder.names():
            folder.remove(name)
    folder.write_text(CONFIG, _text(settings))


def _captured(folder: Folder, model: LoadedModel, settings: DemoSettings) -> Store:
    at = folder / STORE
    if at.exists("manifest.json") and at.read_json("manifest.json").get("complete"):
        return open_store(at.url)
    chosen = settings.capture
    return capture(
        model,
        corpus(chosen.documents),
        chosen.site,
        at.url,
        window=chosen.window,
        overlap=chosen.overlap,
        dtype=chosen.dtype,
    )


def _dictionaries(settings: DemoSettings, d_in: int) -> list[Dictionary]:
    chosen = settings.dictionary
    return [
        dictionary(
            name,
            d_in=d_in,
            width=chosen.width,
            seed=chosen.seed,
            **{"k": chosen.k, **settings_of_recipe},
        )
        for name, settings_of_recipe in chosen.recipes.items()
    ]


def _trained(folder: Folder, part: Store, settings: DemoSettings) -> list[Dictionary]:
    fresh = _dictionaries(settings, part.d)
    runs = train(fresh, part, out=folder.url, **settings.train.model_dump())
    return [run.dictionary for run in runs]


def _evaluated(sae: Dictionary, held_out: Store, at: Folder) -> None:
    evaluate(sae, held_out, fast_label="kind").save(at.url)


def _write_metrics(
    folder: Folder,
    settings: DemoSettings,
    dictionaries: list[Dictionary],
    store: Store,
    held_out: Store,
) -> None:
    """Write every metric of the report with its definition, the data and the machine."""
    folder.write_json(
        METRICS,
        {
            "settings": settings.model_dump(),
            "data": {
                "model": store.model_name,
                "model_hash": store.model_hash,
                "site": store.site,
                "documents": len(store.sequence_indices),
                "tokens": len(store),
                "held_out_documents": len(held_out.sequence_indices),
                "held_out_tokens": len(held_out),
            },
            "dictionaries": {
                sae.name: (folder / sae.name).read_json(EVALUATION) for sae in dictionaries
            },
            "seconds": folder.read_json(TIMES),
            "machine": {
                "cores": os.cpu_count(),
                "processor": platform.machine(),
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in ("torch", "numba", "transformers")},
            },
        },
    )
