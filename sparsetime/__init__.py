"""sparsetime: the sparse structure of sequence models, found, measured and shown along time."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparsetime.activations.capture.capture import capture as capture
    from sparsetime.activations.capture.documents import Document as Document
    from sparsetime.activations.capture.generate import sample_documents as sample_documents
    from sparsetime.activations.sampling.batch import Batch as Batch
    from sparsetime.activations.sources.live_source import stream as stream
    from sparsetime.activations.sources.paired_sites import paired_sites as paired_sites
    from sparsetime.activations.store.store import Store as Store
    from sparsetime.activations.store.store import open_store as open_store
    from sparsetime.codes import SparseCode as SparseCode
    from sparsetime.comparison.leaderboard import leaderboard as leaderboard
    from sparsetime.dictionaries.compose import compose as compose
    from sparsetime.dictionaries.dictionary import Dictionary as Dictionary
    from sparsetime.dictionaries.recipes import dictionary as dictionary
    from sparsetime.dictionaries.recipes import recipes as recipes
    from sparsetime.dictionaries.serialise import load as load
    from sparsetime.dictionaries.state.wrap_stateful import with_memory as with_memory
    from sparsetime.explorer.export import export as export
    from sparsetime.explorer.server.launch import explore as explore
    from sparsetime.features.index import index as index
    from sparsetime.features.index import open_index as open_index
    from sparsetime.metrics.evaluate import evaluate as evaluate
    from sparsetime.models.sites import sites as sites
    from sparsetime.reports.report import report as report
    from sparsetime.segments import Segments as Segments
    from sparsetime.suites.suite import suite as suite
    from sparsetime.testbeds.testbed import testbed as testbed
    from sparsetime.training.train import train as train

__version__ = "0.1.0"

# torch and numba keep a thread pool each. A pool whose idle threads spin takes the cores from the
# other at every change between them; this has to be said before either is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Where each public name lives. Names are imported when first used, so that `import sparsetime`
# does not wait for torch.
_HOMES = {
    "Batch": "activations.sampling.batch",
    "Dictionary": "dictionaries.dictionary",
    "Document": "activations.capture.documents",
    "SparseCode": "codes",
    "Store": "activations.store.store",
    "Segments": "segments",
    "paired_sites": "activations.sources.paired_sites",
    "capture": "activations.capture.capture",
    "compose": "dictionaries.compose",
    "dictionary": "dictionaries.recipes",
    "evaluate": "metrics.evaluate",
    "explore": "explorer.server.launch",
    "export": "explorer.export",
    "index": "features.index",
    "leaderboard": "comparison.leaderboard",
    "load": "dictionaries.serialise",
    "open_index": "features.index",
    "open_store": "activations.store.store",
    "recipes": "dictionaries.recipes",
    "report": "reports.report",
    "sample_documents": "activations.capture.generate",
    "sites": "models.sites",
    "stream": "activations.sources.live_source",
    "suite": "suites.suite",
    "testbed": "testbeds.testbed",
    "train": "training.train",
    "with_memory": "dictionaries.state.wrap_stateful",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sparsetime' has no attribute {name!r}")
    value = getattr(import_module(f"sparsetime.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
