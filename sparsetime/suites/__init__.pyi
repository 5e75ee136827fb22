"""Public names of `st.suites`, each imported when it is first used."""

from .ce_increase_by_context import CeIncreaseByContext as CeIncreaseByContext
from .settings import SuiteCapture as SuiteCapture
from .settings import SuiteSettings as SuiteSettings
from .suite_record import Suite as Suite
from .suite_record import SuiteEntry as SuiteEntry
