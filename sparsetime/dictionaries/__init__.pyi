"""Public names of `st.dictionaries`, each imported when it is first used."""

from .component import Component as Component
from .decoders.decoder import Decoder as Decoder
from .directions import directions as directions
from .encoder_input import EncoderInput as EncoderInput
from .encoders.encoder import Encoder as Encoder
from .forward_pass import ForwardPass as ForwardPass
from .function_spaces.fourier import resampled as resampled
from .function_spaces.resolution import at_resolution as at_resolution
from .initialise import init_from_data as init_from_data
from .initialise import reset_parameters as reset_parameters
from .normalisation import Normalisation as Normalisation
from .objectives.objective import Objective as Objective
from .objectives.term import Term as Term
from .recipes.card import DictionaryCard as DictionaryCard
from .recipes.card import recipe as recipe
from .serialise import save as save
from .skip_connections.skip_connection import SkipConnection as SkipConnection
from .sparsifiers.sparsifier import Sparsifier as Sparsifier
from .sparsifiers.sparsifier import checked_k as checked_k
