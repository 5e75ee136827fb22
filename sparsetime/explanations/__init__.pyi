"""Public names of `st.explanations`, each imported when it is first used."""

from .conditions.condition import Condition as Condition
from .conditions.step_conditions import StepConditions as StepConditions
from .conditions.step_conditions import step_conditions as step_conditions
from .explain import explain as explain
from .explain import prompts as prompts
from .intervention_test import InterventionScores as InterventionScores
from .intervention_test import intervention_test as intervention_test
from .language_models.endpoint import Endpoint as Endpoint
from .language_models.explain_by_model import ModelTests as ModelTests
from .language_models.local_model import LocalModel as LocalModel
from .language_models.local_model import TextEmbedder as TextEmbedder
from .language_models.local_model import TextSurprisal as TextSurprisal
from .rules.rule import Predicate as Predicate
from .rules.rule import Rule as Rule
