"""Public names of `st.comparison`, each imported when it is first used."""

from .entry import LeaderboardEntry as LeaderboardEntry
from .leaderboard_files import Leaderboard as Leaderboard
from .matched_sparsity import FrontierPoint as FrontierPoint
from .matched_sparsity import MatchedComparison as MatchedComparison
from .matched_sparsity import matched_comparison as matched_comparison
from .rank_stability import RankStability as RankStability
from .recipe_comparison import Comparison as Comparison
from .recipe_comparison import RecipeRanking as RecipeRanking
from .recipe_comparison import comparisons as comparisons
from .recipe_comparison import rankings as rankings
from .reseed_noise import NoisyDifference as NoisyDifference
from .reseed_noise import noisy_difference as noisy_difference
from .reseed_noise import reseed_noise as reseed_noise
from .settings import LeaderboardSettings as LeaderboardSettings
from .sweep import SweepPoint as SweepPoint
from .sweep import SweepTable as SweepTable
from .sweep_tasks import SweepTask as SweepTask
from .sweep_tasks import repeat_task as repeat_task
from .sweep_tasks import text_task as text_task
