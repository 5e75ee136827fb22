"""Public names of `st.retrieval`, each imported when it is first used."""

from .classify import Classification as Classification
from .classify import classify as classify
from .code_search import CodeSearch as CodeSearch
from .code_search import Hit as Hit
from .code_search import search as search
from .data_selection import SelectedData as SelectedData
from .data_selection import select_data as select_data
from .data_selection import similarity_to_examples as similarity_to_examples
from .vocabulary_codes.ranking import posting_cost as posting_cost
from .vocabulary_codes.ranking import pruned_to_cost as pruned_to_cost
from .vocabulary_codes.ranking import reciprocal_ranks as reciprocal_ranks
from .vocabulary_codes.train_encoder import RetrieverTraining as RetrieverTraining
from .vocabulary_codes.train_encoder import train_vocabulary_encoder as train_vocabulary_encoder
from .vocabulary_codes.vocabulary_encoder import TokenStates as TokenStates
from .vocabulary_codes.vocabulary_encoder import VocabularyEncoder as VocabularyEncoder
from .vocabulary_codes.vocabulary_encoder import token_states as token_states
