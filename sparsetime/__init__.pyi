"""Public names of the package, each imported when it is first used (see `__init__.py`)."""

from . import activations as activations
from . import claims as claims
from . import comparison as comparison
from . import dictionaries as dictionaries
from . import errors as errors
from . import explorer as explorer
from . import features as features
from . import interventions as interventions
from . import kernels as kernels
from . import metrics as metrics
from . import models as models
from . import statistics as statistics
from . import suites as suites
from . import testbeds as testbeds
from . import training as training
from .activations.capture.capture import capture as capture
from .activations.capture.document import Document as Document
from .activations.capture.generate import sample_documents as sample_documents
from .activations.sampling.batch import Batch as Batch
from .activations.sources.live_source import stream as stream
from .activations.sources.paired_sites import paired_sites as paired_sites
from .activations.store.open_store import open_store as open_store
from .activations.store.store import Store as Store
from .claims.claim import claim as claim
from .codes import SparseCode as SparseCode
from .comparison.leaderboard import leaderboard as leaderboard
from .dictionaries.component import component as component
from .dictionaries.compose import compose as compose
from .dictionaries.dictionary import Dictionary as Dictionary
from .dictionaries.recipes import dictionary as dictionary
from .dictionaries.serialise import load as load
from .dictionaries.state.wrap_stateful import wrap_stateful as wrap_stateful
from .explorer.export import export as export
from .explorer.server.launch import explore as explore
from .features.build_index import index as index
from .features.index import open_index as open_index
from .metrics.evaluate import evaluate as evaluate
from .models.sites import sites as sites
from .registry import recipes as recipes
from .reports.report import report as report
from .segments import Segments as Segments
from .suites.suite import suite as suite
from .testbeds.testbed import testbed as testbed
from .training.train import train as train

__version__: str
