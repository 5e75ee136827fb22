"""Co-activation of a feature with others, and the nearest directions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.feature_names import names_of
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import CoactivationView, CoactiveFeature

if TYPE_CHECKING:
    import torch

DOCUMENTS, SHOWN = 8, 8


def coactivation_view(opened: RunCache, key: str, number: int) -> CoactivationView:
    """Features active with, before and after a feature, and those with the nearest directions.

    Read are the documents of its examples, up to DOCUMENTS, spread over its activation values.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist.
    """
    from sparsetime.features import coactivation as measure

    check_feature(opened, key, number)
    events = opened.feature_events(key, number)
    examples = events.sample_band(0.0, 1.0, 1)
    if len(events.value) > 1:
        examples = np.concatenate([examples, events.sample_band(1e-9, 1.0, DOCUMENTS - 1)])
    documents = np.unique(events.sequence[examples]).tolist()
    together, before, after = [], [], []
    if documents:
        codes = [opened.code(key, sequence) for sequence in documents]
        shares = measure.coactivation(codes, number)
        near = measure.chance_within(shares.chance)
        together = _best(opened, key, number, shares.together, shares.chance)
        before = _best(opened, key, number, shares.before, near)
        after = _best(opened, key, number, shares.after, near)
    nearest: list[CoactiveFeature] = []
    elsewhere: list[CoactiveFeature] = []
    if opened.has_directions(key):
        direction = opened.directions(key)[number]
        nearest = _nearest(opened, key, direction, {number})
        for other in opened.shown:
            if other == key or not opened.has_directions(other):
                continue
            if opened.directions(other).shape[1] == len(direction):
                elsewhere += _nearest(opened, other, direction, set())
    elsewhere.sort(key=lambda feature: -feature.share)
    time = opened.dictionary(key).words.time
    return CoactivationView(
        documents=len(documents),
        most=SHOWN,
        lag=measure.LAG,
        lag_time=measure.LAG * time.step if time else None,
        together=together,
        before=before,
        after=after,
        nearest=nearest,
        elsewhere=elsewhere[:SHOWN],
    )


def _best(
    opened: RunCache, key: str, number: int, share: np.ndarray, chance: np.ndarray
) -> list[CoactiveFeature]:
    from sparsetime.features import coactivation as measure

    gain = measure.lift(share, chance)
    gain[number] = 0
    order = np.argsort(-gain, kind="stable")[:SHOWN]
    return _companions(opened, key, ((int(f), share[f], chance[f]) for f in order if gain[f] > 0))


def _nearest(
    opened: RunCache, key: str, atom: torch.Tensor, but: set[int]
) -> list[CoactiveFeature]:
    import torch

    cosine = opened.directions(key) @ atom
    cosine[torch.from_numpy(opened.dictionary(key).table.density == 0)] = -2.0
    cosine[list(but)] = -2.0
    value, place = cosine.topk(min(SHOWN, len(cosine)))
    return _companions(
        opened,
        key,
        ((f, v, 0.0) for f, v in zip(place.tolist(), value.tolist(), strict=True) if v > -1.5),
    )


def _companions(
    opened: RunCache, key: str, coactive: Iterable[tuple[int, float, float]]
) -> list[CoactiveFeature]:
    table = opened.dictionary(key).table
    return [
        CoactiveFeature(
            dictionary=key,
            feature=f,
            part=table.part(f),
            **names_of(opened, key, f),
            share=float(share),
            chance=float(chance),
        )
        for f, share, chance in coactive
    ]
