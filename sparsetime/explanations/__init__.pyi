"""Public names of `st.explanations`, each imported when it is first used."""

from .conditions.condition import Condition as Condition
from .conditions.step_conditions import StepConditions as StepConditions
from .conditions.step_conditions import step_conditions as step_conditions
from .explain import explain as explain
from .rules.rule import Predicate as Predicate
from .rules.rule import Rule as Rule
