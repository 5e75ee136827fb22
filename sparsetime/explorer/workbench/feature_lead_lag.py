"""Lead and lag of one feature: others that begin before it and after it, beyond a null."""

from __future__ import annotations

from sparsetime.errors import DataError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.feature_names import names_of
from sparsetime.explorer.workbench.feature_rhythm import busiest_sequences
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import NamedFeature

SEQUENCES, MOST_STEPS, SHOWN = 8, 30_000, 8


class LeadingFeature(NamedFeature):
    """A feature that begins shortly before or after another one."""

    share: float  # of the follower's beginnings that the leader's precede
    count: int
    expected: float  # mean count with every feature shifted on its own
    lag: float  # mean steps from the leader's beginning to the follower's
    lag_time: float | None = None  # in the run's `time_unit`


class FeatureLeadLag(FrozenRecord):
    """Features whose beginnings precede those of a feature, and follow them.

    Only pairs with more than the largest count of 19 circular shifts are listed. within: the most
    steps from one to the other. reason: why nothing could be counted; empty otherwise.
    """

    leads: tuple[LeadingFeature, ...] = ()  # they begin before it
    follows: tuple[LeadingFeature, ...] = ()  # they begin after it
    within: int = 0
    within_time: float | None = None
    sequences: int = 0
    steps: int = 0
    reason: Text = ""


def feature_lead_lag(opened: RunCache, key: str, number: int) -> FeatureLeadLag:
    """Leaders and followers of a feature in the sequences where it is most active.

    See `st.metrics.lead_lag` for the definition and the null.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist.
    """
    from sparsetime.codes import concatenate
    from sparsetime.metrics.temporal.lead_lag import lead_lag

    check_feature(opened, key, number)
    chosen = busiest_sequences(opened, key, number, SEQUENCES, MOST_STEPS)
    if not chosen:
        return FeatureLeadLag(reason="It fires nowhere.")
    code = concatenate([opened.code(key, sequence) for sequence in chosen])
    lengths = [opened.dictionary(key).index.length(sequence) for sequence in chosen]
    try:
        pairs = lead_lag(code, lengths, most=512 * 512)
    except DataError as error:
        return FeatureLeadLag(reason=f"{str(error)[0].upper()}{str(error)[1:]}.")
    time = opened.dictionary(key).words.time
    table = opened.dictionary(key).table

    def line(at: int, other: int) -> LeadingFeature:
        lag = float(pairs.lag[at])
        return LeadingFeature(
            feature=other,
            part=table.part(other),
            **names_of(opened, key, other),
            share=float(pairs.announced[at]),
            count=int(pairs.count[at]),
            expected=float(pairs.expected[at]),
            lag=lag,
            lag_time=lag * time.step if time else None,
        )

    beyond = pairs.count > pairs.largest
    leads = (beyond & (pairs.follower == number)).nonzero()[0][:SHOWN].tolist()
    follows = (beyond & (pairs.leader == number)).nonzero()[0][:SHOWN].tolist()
    return FeatureLeadLag(
        leads=tuple(line(at, int(pairs.leader[at])) for at in leads),
        follows=tuple(line(at, int(pairs.follower[at])) for at in follows),
        within=pairs.within,
        within_time=pairs.within * time.step if time else None,
        sequences=len(chosen),
        steps=code.rows,
    )
