"""Public names of `st.attention`, each imported when it is first used."""

from .component import AttentionComponent as AttentionComponent
from .equal_budget import fit_policy as fit_policy
from .heads import copy_scores as copy_scores
from .heads import future_influence as future_influence
from .heads import look_back_distance as look_back_distance
from .heads import silenced_heads as silenced_heads
from .inputs import AttentionInputs as AttentionInputs
from .kept.keep_attention import keep_attention as keep_attention
from .kept.kept_attention import KeptAttention as KeptAttention
from .kept.kept_attention import KeptHead as KeptHead
from .kept.kept_attention import open_attention as open_attention
from .layer import SparseAttentionLayer as SparseAttentionLayer
from .measures import mass_kept as mass_kept
from .measures import output_error as output_error
from .measures import overlap as overlap
from .measures import reach as reach
from .measures import top_key_recall as top_key_recall
from .policy import AttentionPolicy as AttentionPolicy
from .recorded_calls import recorded_calls as recorded_calls
from .report import AttentionCall as AttentionCall
from .report import AttentionReport as AttentionReport
from .run import AttentionRun as AttentionRun
from .saved_policy import load_policy as load_policy
from .saved_policy import save_policy as save_policy
from .tile_counts import TileCount as TileCount
from .tile_counts import tile_count as tile_count
