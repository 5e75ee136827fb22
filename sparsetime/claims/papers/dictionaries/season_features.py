"""Seasons and lockdowns in the streets of a city, each told by one feature that nobody labelled."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.best_single_feature import best_single_feature_auroc
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds.series.build import SeriesSettings, documents

WIDTH, WIDE, K, ROWS = 192, 768, 16, 100_000
SEASONS = ("summer", "autumn", "winter", "spring")
STEPS = 201  # of every sequence
EVERY = 5  # steps of which one is asked; no divisor of a day's eight, so that all hours are


@claim(
    "season_features",
    says="One latent tells the season of a month and one tells the steps of a lockdown, in years "
    "that nothing was learnt or chosen on, better than any coordinate of the activations, any "
    "principal component, and the counts themselves.",
    data="a patch transformer reading hourly counts of people in Auckland's streets, after layer 2 "
    "of 3; held-out years",
    expects=[
        Less(f"{label}, {reader}", than=f"{label}, latents")
        for label in ("season", "lockdown")
        for reader in ("coordinates", "components", "counts")
    ],
    notes="Asked of season is the mean of a feature over a sequence, 25 days: from a step alone no "
    "reader tells much of it. Lockdowns empty the streets, which every reader sees. A dictionary "
    "of four times the width is told beside.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """AUROC of the best feature; of season, the mean over the four.

    Equal in size: each of the 96 coordinates or components may be high or low in a class, so that
    they are 192 one-sided features.
    """
    data = lab.series()
    stores, parts = (data.train_store, data.held_out_store), (data.train, data.held_out)
    axes = torch.linalg.eigh((data.train - data.train.mean(0)).T.cov())[1]
    readings = {
        "coordinates": [_read(_same, x) for x in parts],
        "components": [_read(lambda some: some @ axes, x) for x in parts],
        "counts": [_read(_same, _counts(store)) for store in stores],
    }
    values = {}
    for name, width in (("latents", WIDTH), ("latents, four times as many", WIDE)):
        sae = dictionary("batch_topk", d_in=data.d, width=width, k=K, seed=seed)
        lab.train(sae, data.train, rows=ROWS, seed=seed)
        readings[name] = [_read(partial(_dense, sae), x) for x in parts]
        values[f"FVU, {name}"] = lab.fvu(sae, data.held_out)
    (seasons, locked), (told_seasons, told_locked) = map(_classes, stores)
    for name, ((means, steps), (told_means, told_steps)) in readings.items():
        season = best_single_feature_auroc(means, seasons, told_means, told_seasons)
        values[f"season, {name}"] = float(season.mean())
        values[f"lockdown, {name}"] = float(
            best_single_feature_auroc(steps, locked, told_steps, told_locked)
        )
    return values


def _read(
    reader: Callable[[Tensor], Tensor], x: Float[Tensor, "rows d"]
) -> tuple[Float[Tensor, "sequences features"], Float[Tensor, "asked features"]]:
    """What a reader makes of rows: its mean over every sequence, and the steps that are asked."""
    means, asked = [], []
    for some in x.split(STEPS * EVERY):  # so that a wide reader needs little memory
        read = reader(some)
        means.append(read.reshape(-1, STEPS, read.shape[1]).mean(1))
        asked.append(read[::EVERY])
    return torch.cat(means), torch.cat(asked)


def _same(x: Tensor) -> Tensor:
    return x


def _dense(sae: Dictionary, x: Tensor) -> Tensor:
    return sae.encode(x).dense()


def _classes(store: Store) -> tuple[Bool[Tensor, "sequences seasons"], Bool[Tensor, "asked 1"]]:
    """The season of most of every sequence, and whether each step that is asked is in lockdown."""
    steps = store.steps(["season", "lockdown"])
    names = steps["season"].to_pylist()
    each = torch.tensor([[one == season for season in SEASONS] for one in names])
    seasons = each.reshape(-1, STEPS, len(SEASONS)).float().mean(1) > 0.5
    return seasons, torch.tensor(steps["lockdown"].to_pylist())[::EVERY, None]


def _counts(store: Store) -> Float[Tensor, "rows hours"]:
    """What the model was given at every step: the standardised counts of three hours."""
    given = {one.id: one.values for one in documents(SeriesSettings().steps)}
    return torch.cat([given[name] for name in store.sequences["id"].to_pylist()])
