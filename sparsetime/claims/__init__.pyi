"""Public names of `st.claims`, each imported when it is first used."""

from .claim import Claim as Claim
from .claim import claims as claims
from .claim import get_claim as get_claim
from .lab.lab import Lab as Lab
from .verdicts.expectations import AtLeast as AtLeast
from .verdicts.expectations import AtMost as AtMost
from .verdicts.expectations import Expectation as Expectation
from .verdicts.expectations import Less as Less
from .verdicts.expectations import Within as Within
from .verdicts.results import ClaimRecord as ClaimRecord
from .verdicts.results import latest_records as latest_records
from .verdicts.run_claim import run_claim as run_claim
from .verdicts.standing import Standing as Standing
from .verdicts.standing import standings as standings
