"""Public names of `st.features`, each imported when it is first used."""

from .array_codes import ArrayCodes as ArrayCodes
from .code_source import CodeSource as CodeSource
from .column_definition import ColumnDefinition as ColumnDefinition
from .dictionary_codes import DictionaryCodes as DictionaryCodes
from .encoding import EncodedSequence as EncodedSequence
from .encoding import encode_store as encode_store
from .feature_events import FeatureEvents as FeatureEvents
from .index import FeatureIndex as FeatureIndex
from .label_association import add_label_table as add_label_table
from .timescales import HalfLives as HalfLives
from .timescales import half_life as half_life
