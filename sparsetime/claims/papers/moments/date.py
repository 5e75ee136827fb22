"""DATE: frames picked by score and by distance in time hit more events at equal number."""

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.moments.find_moments import find_moments
from sparsetime.testbeds.haystack.haystacks import haystacks

SEQUENCES, BUDGET, WEIGHT = 40, 12, 0.5


@claim(
    "date",
    system=3,
    says="Of 12 frames that are picked by likeness to a query and by distance from each other, "
    "more planted events are hit than of the 12 most alike or of 12 at equal distances.",
    data="haystacks: sequences of 1,000 made frame vectors with six planted events of different "
    "strength",
    expects=[
        Less("events hit, top", than="events hit, spread"),
        Less("events hit, uniform", than="events hit, spread"),
    ],
    seconds=10,
    rule="the temporally regularised greedy picker covers more planted events than plain top-k "
    "similarity or uniform picking at equal frame count.",
    notes="Made vectors in place of a video model's; the paper's time tokens are left out.",
    null=lambda lab, seed: _values(seed, weight=0.0),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All ways pick equally many frames of the same sequences."""
    return _values(seed)


def _values(seed: int, weight: float = WEIGHT) -> dict[str, float]:
    """weight: of the distance; without it, in the null, the picker is the plain one."""
    bed = haystacks(SEQUENCES, seed=seed)
    values = {}
    for how in ("top", "uniform", "spread"):
        own = {"weight": weight} if how == "spread" else {}
        hits = []
        for number, rows in enumerate(bed.rows):
            found = find_moments(rows, how, query=bed.queries[number], budget=BUDGET, **own)
            hits.append(found.coverage({"0": bed.events[str(number)]}))
        values[f"events hit, {how}"] = sum(hits) / len(hits)
    return values
