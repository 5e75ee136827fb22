"""T*: zooming finds planted frames with scores of a small share of all frames."""

from math import fsum

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.moments.find_moments import find_moments
from sparsetime.testbeds.haystack.haystacks import haystacks

SEQUENCES, BUDGET, SHARE = 40, 12, 0.1


@claim(
    "t_star",
    system=20,
    says="Of equally many frames, those found by zooming have a higher temporal F1 with planted "
    "events than frames at equal distances, and at most a tenth of all frames is scored.",
    data="haystacks: sequences of 1,000 made frame vectors with six planted events in scenes that "
    "are a little like the query",
    expects=[
        Less("temporal F1, uniform", than="temporal F1, zoom"),
        AtMost("share of frames scored, zoom", than=SHARE),
    ],
    seconds=10,
    rule="zoom search reaches higher temporal F1 on planted keyframes than uniform sampling while "
    "scoring only a fraction of all frames.",
    notes="Scores are cosines with a query in place of a detector's; gaps are halved where the "
    "paper samples from a smoothed distribution.",
    null=lambda lab, seed: _values(seed, blind=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both ways return equally many frames of the same sequences."""
    return _values(seed)


def _values(seed: int, blind: bool = False) -> dict[str, float]:
    """blind: True for the null, in which a search is given the query of another sequence."""
    bed = haystacks(SEQUENCES, seed=seed)
    values = {}
    for how in ("uniform", "zoom"):
        scores, shares = [], []
        own = {"share": SHARE} if how == "zoom" else {}
        for number, rows in enumerate(bed.rows):
            query = bed.queries[(number + blind) % SEQUENCES]
            found = find_moments(rows, how, query=query, budget=BUDGET, **own)
            scores.append(found.f1({"0": bed.events[str(number)]}))
            shares.append(found.scored["0"])
        values[f"temporal F1, {how}"] = sum(scores) / len(scores)
        # Added exactly: the budget is the bound itself.
        values[f"share of frames scored, {how}"] = fsum(shares) / len(shares)
    return values
