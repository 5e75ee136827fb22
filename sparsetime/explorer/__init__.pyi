"""Public names of `st.explorer`, each imported when it is first used."""

from .workbench.timeline import enriched_features as enriched_features
from .workbench.workbench import Workbench as Workbench
