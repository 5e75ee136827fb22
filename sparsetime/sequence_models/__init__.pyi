"""Public names of `st.sequence_models`, each imported when it is first used."""

from .block import SequenceBlock as SequenceBlock
from .channels.channel import Channel as Channel
from .compose_model import compose_model as compose_model
from .heads.head import Head as Head
from .mixers.mixer import Mixer as Mixer
from .mixers.mixer import MixerState as MixerState
from .model import SequenceModel as SequenceModel
from .reads import by_lag as by_lag
from .reads import reads_code as reads_code
from .recipes.card import SequenceModelCard as SequenceModelCard
from .recipes.card import sequence_model as sequence_model
from .views.view import ViewComponent as ViewComponent
