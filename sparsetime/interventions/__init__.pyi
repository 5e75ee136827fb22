"""Public names of `st.interventions`, each imported when it is first used."""

from . import spans as spans
from .linearised_pass import Guards as Guards
from .linearised_pass import LinearisedPass as LinearisedPass
from .linearised_pass import linearised_pass as linearised_pass
from .lm_loss import kl_divergence as kl_divergence
from .lm_loss import loss_gradients as loss_gradients
from .lm_loss import next_token_loss as next_token_loss
from .logits import next_token_logits as next_token_logits
from .logits import next_tokens as next_tokens
from .patch import patched as patched
from .span import Span as Span
from .span_text import parse_span as parse_span
