"""Public names of `st.features`, each imported when it is first used."""

from .array_codes import ArrayCodes as ArrayCodes
from .code_source import CodeSource as CodeSource
from .column_definition import ColumnDefinition as ColumnDefinition
from .compare_conditions import compare_conditions as compare_conditions
from .detail_table import DetailTable as DetailTable
from .dictionary_codes import DictionaryCodes as DictionaryCodes
from .encoding import EncodedSequence as EncodedSequence
from .encoding import encode_store as encode_store
from .events.onsets import label_onsets as label_onsets
from .events.peri_event import peri_event as peri_event
from .feature_entries import FeatureEntries as FeatureEntries
from .feature_entries import feature_entries as feature_entries
from .feature_events import FeatureEvents as FeatureEvents
from .index import FeatureIndex as FeatureIndex
from .labels.label_features import label_features as label_features
from .time_need.needs_time import NeedsTime as NeedsTime
from .time_need.needs_time import needs_time as needs_time
from .timescales import HalfLives as HalfLives
from .timescales import half_life as half_life
