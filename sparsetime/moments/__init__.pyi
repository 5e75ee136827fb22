"""Public names of `st.moments`, each imported when it is first used."""

from .find_moments import find_moments as find_moments
from .finders.moment_finder import MomentFinder as MomentFinder
from .moment_table import MomentTable as MomentTable
from .step_scores import StepScores as StepScores
