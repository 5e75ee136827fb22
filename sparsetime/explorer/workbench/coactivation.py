"""The company of a feature, and the atoms that point its way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import CoactivationView, CoactiveFeature

if TYPE_CHECKING:
    import torch

DOCUMENTS, SHOWN = 8, 8


def coactivation_view(opened: RunCache, key: str, number: int) -> CoactivationView:
    """What fires with a feature, leads to it and follows it, and the atoms nearest to its own.

    Read are the documents of its moments, up to DOCUMENTS of them evenly over its strengths.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist.
    """
    from sparsetime.features import coactivation as measure

    check_feature(opened, key, number)
    moments = opened.feature_events(key, number)
    some = moments.sample_band(0.0, 1.0, 1)
    if len(moments.value) > 1:
        some = np.concatenate([some, moments.sample_band(1e-9, 1.0, DOCUMENTS - 1)])
    documents = np.unique(moments.sequence[some]).tolist()
    together, before, after = [], [], []
    if documents:
        found = measure.coactivation([opened.code(key, each) for each in documents], number)
        near = measure.within(found.chance)
        together = _best(opened, key, number, found.together, found.chance)
        before = _best(opened, key, number, found.before, near)
        after = _best(opened, key, number, found.after, near)
    atom = opened.directions(key)[number]
    nearest = _nearest(opened, key, atom, {number})
    elsewhere = [
        each
        for other in opened.shown
        if other != key and opened.directions(other).shape[1] == len(atom)
        for each in _nearest(opened, other, atom, set())
    ]
    elsewhere.sort(key=lambda each: -each.share)
    return CoactivationView(
        documents=len(documents),
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
    opened: RunCache, key: str, found: Iterable[tuple[int, float, float]]
) -> list[CoactiveFeature]:
    table = opened.dictionary(key).table
    return [
        CoactiveFeature(
            dictionary=key,
            feature=f,
            part=table.part(f),
            label=opened.labels.of(key, f).name,
            words=list(table.words[f]),
            share=float(share),
            chance=float(chance),
        )
        for f, share, chance in found
    ]
