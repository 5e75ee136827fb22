"""Seasons and lockdowns in pedestrian counts: AUROC of single unsupervised features."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.claims.lab.best_single_feature import best_single_feature_auroc
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds.series.build import SeriesSettings, documents

WIDTH, WIDE, K, ROWS = 192, 768, 16, 100_000
SEASONS = ("summer", "autumn", "winter", "spring")
STEPS = 201  # of every sequence
EVERY = (
    5  # every fifth step is evaluated; coprime to the eight steps of a day, so that all hours occur
)


@claim(
    "season_features",
    says="In held-out years the AUROC of one latent for the season, and of one for lockdowns, is "
    "higher than that of any coordinate of the activations, any principal component, and the "
    "counts themselves.",
    data="a patch transformer reading hourly counts of people in Auckland's streets, after layer 2 "
    "of 3; held-out years",
    expects=[
        Less(f"{label}, {reader}", than=f"{label}, latents")
        for label in ("season", "lockdown")
        for reader in ("coordinates", "components", "counts")
    ],
    notes="Season is read from the mean of a feature over a sequence of 25 days, since single "
    "steps hold little of it. Lockdowns empty the streets, which all features show. A dictionary "
    "of four times the width is shown beside them.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """AUROC of the best feature; of season, the mean over the four.

    Equal in number: each of the 96 coordinates or components may be high or low in a class, which
    makes 192 one-sided features.
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
    (seasons, locked), (test_seasons, test_locked) = map(_classes, stores)
    for name, ((means, steps), (test_means, test_steps)) in readings.items():
        season = best_single_feature_auroc(means, seasons, test_means, test_seasons)
        values[f"season, {name}"] = float(season.mean())
        values[f"lockdown, {name}"] = float(
            best_single_feature_auroc(steps, locked, test_steps, test_locked)
        )
    return values


def _read(
    reader: Callable[[Tensor], Tensor], x: Float[Tensor, "rows d"]
) -> tuple[Float[Tensor, "sequences features"], Float[Tensor, "steps features"]]:
    """Features of rows: their mean over every sequence, and those of every fifth step."""
    means, sampled = [], []
    for some in x.split(STEPS * EVERY):  # so that a wide dictionary needs little memory
        read = reader(some)
        means.append(read.reshape(-1, STEPS, read.shape[1]).mean(1))
        sampled.append(read[::EVERY])
    return torch.cat(means), torch.cat(sampled)


def _same(x: Tensor) -> Tensor:
    return x


def _dense(sae: Dictionary, x: Tensor) -> Tensor:
    return sae.encode(x).dense()


def _classes(store: Store) -> tuple[Bool[Tensor, "sequences seasons"], Bool[Tensor, "steps 1"]]:
    """Season of most of each sequence, and whether each fifth step is in lockdown."""
    steps = store.steps(["season", "lockdown"])
    names = steps["season"].to_pylist()
    is_season = torch.tensor([[entry == season for season in SEASONS] for entry in names])
    seasons = is_season.reshape(-1, STEPS, len(SEASONS)).float().mean(1) > 0.5
    return seasons, torch.tensor(steps["lockdown"].to_pylist())[::EVERY, None]


def _counts(store: Store) -> Float[Tensor, "rows hours"]:
    """Input of the model at every step: standardised counts of three hours."""
    inputs = {entry.id: entry.values for entry in documents(SeriesSettings().steps)}
    return torch.cat([inputs[name] for name in store.sequences["id"].to_pylist()])
