"""Public names of `st.activations`, each imported when it is first used."""

from .capture.as_documents import as_documents as as_documents
from .capture.dataset_documents import dataset_documents as dataset_documents
from .capture.model_call import ModelCall as ModelCall
from .capture.text_files import TextFiles as TextFiles
from .capture.text_files import read_texts as read_texts
from .interchange.ray_datasource import ray_datasource as ray_datasource
from .sampling.sample_kinds import PairSamples as PairSamples
from .sampling.sample_kinds import RowSamples as RowSamples
from .sampling.sample_kinds import SampleKind as SampleKind
from .sampling.sample_kinds import WindowSamples as WindowSamples
from .sources.model_loss import downstream_batches as downstream_batches
from .sources.model_loss import rows_with_gradients as rows_with_gradients
from .sources.source import Origin as Origin
from .sources.source import Source as Source
from .step_exclusion import StepExclusion as StepExclusion
from .store.stored_input import StoredInput as StoredInput
from .store.stored_sequence import StoredSequence as StoredSequence
from .store.writer import StoreWriter as StoreWriter
