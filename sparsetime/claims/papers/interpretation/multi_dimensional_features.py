"""Multi-dimensional features: clusters of atoms that are irreducible, such as circles."""

import itertools
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.sentence_steering import usual_rows
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.matching.clusters import atom_clusters, cluster_points
from sparsetime.matching.irreducible import FEWEST, Irreducibility, irreducibility
from sparsetime.models.hooks import Recorder
from sparsetime.models.load import LoadedModel
from sparsetime.steering.prompts import tokens_of
from sparsetime.testbeds.english.pretrained import english_model
from sparsetime.testbeds.sentences.texts import labelled_sentences

PLANTED = {
    "d": 128, "width": 14, "circles": 3, "bidirectional": 4, "families": 0, "pairs": 0,
    "state_features": 0, "active": 1.5, "zipf": 0.0, "longest": 20.0, "spread": 0.1,
    "flutter": 0.05, "noise": 0.02, "sequences": 20,
}  # fmt: skip
PLANTED_WIDTH, PLANTED_K, PLANTED_ROWS, PLANTED_COSINE = 128, 2, 150_000, 0.62
SITE = "layers.2"
WIDTH, K, ROWS, COSINE = 384, 6, 80_000, 0.35
LEARNT, TESTED, REPEATED, CLAUSE = 60, 100, 6, 7
SENTENCES, SENTENCE, BATCH = 40, 16, 70
SEPARABILITY, MIXTURE, PLANE = 0.2, 0.44, 0.9
RARE, LARGEST, POINTS = 0.005, 48, 2_000
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SUBJECTS = (
    "We", "They", "My brother", "The factory", "Her friend", "The doctor", "Our group",
    "The students", "His boss", "The police",
)  # fmt: skip
_VERBS = (
    "met", "will leave", "finished the work", "called", "start the course", "arrived",
    "paid the bill", "opened the shop", "were ill", "play football", "sent the letter",
    "have a meeting",
)  # fmt: skip
_TIMES = ("on", "last", "next", "every", "before", "until")


@claim(
    "multi_dimensional_features",
    system=252,
    says="Clusters of atoms recover planted circles; the cluster of weekdays has a high "
    "separability and a low mixture index, and clusters of exchanged atoms do not.",
    data="a proxy: planted circles; SmolLM2 layer 2 in the place of GPT-2, on sentences and on "
    "clauses that end with a weekday",
    expects=[
        AtLeast("share of planted circles recovered", than=0.7),
        AtMost("share of other planted clusters flagged", than=0.1),
        AtLeast("separability of the weekday cluster", than=SEPARABILITY),
        AtMost("mixture index of the weekday cluster", than=MIXTURE),
        AtLeast("weekdays beside the next one in the plane", than=5),
        AtMost("share of exchanged clusters flagged", than=0.25),
    ],
    seconds=70,
    rule="Clustered SAE atoms recover planted circles, flag the weekday circle in GPT-2 by "
    "separability score, and reject shuffled clusters.",
    notes="Flagged: separability of at least 0.2 nats and a mixture index of at most 0.44, chosen "
    "on planted circles. A circle is recovered by a flagged cluster whose first two principal "
    "components lie in its plane (mean squared cosine 0.9). The weekday cluster is the one whose "
    "active rows are weekdays most nearly; weekdays are more frequent than in text, so that few "
    "latents include some for them. In the null atoms are exchanged among all clusters.",
    null=lambda lab, seed: _values(lab, seed, exchanged=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of each data set."""
    return _values(lab, seed)


@final
@dataclass(frozen=True, eq=False)
class _Cluster:
    """A cluster: its points, the rows that they are of, and how reducible they are."""

    points: Float[np.ndarray, "points d"]
    rows: Bool[np.ndarray, " rows"]
    found: Irreducibility

    @property
    def is_flagged(self) -> bool:
        return self.found.separability >= SEPARABILITY and self.found.mixture <= MIXTURE

    def plane(self) -> Float[np.ndarray, "2 d"]:
        """The first two principal components."""
        centred = self.points - self.points.mean(0)
        return np.asarray(np.linalg.svd(centred, full_matrices=False)[2][:2])


def _values(lab: Lab, seed: int, exchanged: bool = False) -> dict[str, float]:
    """exchanged: the null, with clusters of random atoms in the place of near ones."""
    rng = seeds.numpy_generator(seed, "random choice")
    planted, planted_null = _planted(lab, seed, exchanged, rng)
    week, week_null = _weekdays(lab, seed, exchanged, rng)
    return {
        **planted,
        **week,
        "share of exchanged clusters flagged": _flagged([*planted_null, *week_null]),
    }


def _planted(
    lab: Lab, seed: int, exchanged: bool, rng: np.random.Generator
) -> tuple[dict[str, float], list[_Cluster]]:
    data = lab.planted(seed, **PLANTED)
    sae = dictionary("topk", d_in=data.d, width=PLANTED_WIDTH, k=PLANTED_K, seed=seed)
    lab.train(sae, data.train, rows=PLANTED_ROWS, seed=seed)
    near, null = _clusters(sae, data.held_out, PLANTED_COSINE, rng)
    if exchanged:
        near = null
    pairs = {
        (row["latent"], row["partner"])
        for row in data.truth.features.to_pylist()
        if row["kind"] == "circle" and row["latent"] < row["partner"]
    }
    planes = [np.linalg.qr(data.atoms[list(pair)].numpy().T)[0] for pair in sorted(pairs)]
    fits = np.array(
        [[np.square(one.plane() @ plane).sum() / 2 for plane in planes] for one in near]
    ).reshape(len(near), len(planes))
    flagged = np.array([one.is_flagged for one in near], dtype=bool)
    recovered = (fits[flagged] >= PLANE).any(0)
    others = [one for one, fit in zip(near, fits, strict=True) if fit.max() < PLANE]
    return {
        "share of planted circles recovered": float(recovered.mean()),
        "share of other planted clusters flagged": _flagged(others),
        "planted clusters": float(len(near)),
    }, null


def _weekdays(
    lab: Lab, seed: int, exchanged: bool, rng: np.random.Generator
) -> tuple[dict[str, float], list[_Cluster]]:
    days, is_day = _day_rows(rng)
    background = _background()
    learnt, rest = days[: LEARNT * len(DAYS)], days[LEARNT * len(DAYS) :]
    order = torch.from_numpy(rng.permutation(len(background)))
    some = background[order[: 3 * len(order) // 4]]
    sae = dictionary("topk", d_in=days.shape[1], width=WIDTH, k=K, seed=seed)
    rows = torch.cat([some, learnt.repeat(REPEATED, 1)])
    lab.train(sae, rows, rows=ROWS, seed=seed)
    tested = torch.cat([rest, background[order[len(some) :]]])
    near, null = _clusters(sae, tested, COSINE, rng)
    if exchanged:
        near = null
    day_of_row = np.full(len(tested), -1)
    day_of_row[: len(rest)] = is_day[LEARNT * len(DAYS) :]
    best = max(near, key=lambda one: _agreement(one.rows, day_of_row >= 0))
    return {
        "separability of the weekday cluster": best.found.separability,
        "mixture index of the weekday cluster": best.found.mixture,
        "agreement of the weekday cluster with weekdays": _agreement(best.rows, day_of_row >= 0),
        "weekdays beside the next one in the plane": _neighbours(best, day_of_row[best.rows]),
        "clusters of the model flagged": float(sum(one.is_flagged for one in near)),
        "clusters of the model": float(len(near)),
    }, null


def _clusters(
    sae: Dictionary, rows: Tensor, cosine: float, rng: np.random.Generator
) -> tuple[list[_Cluster], list[_Cluster]]:
    """Clusters of near atoms with enough points, and as large ones of exchanged atoms."""
    code = sae.encode(rows).dense().detach()
    atoms = sae.atoms.detach()
    living = np.flatnonzero(((code > 0).float().mean(0) >= RARE).numpy())
    near = [living[one].tolist() for one in atom_clusters(atoms[living], cosine)]
    near = [one for one in near if len(one) <= LARGEST]
    living = rng.permutation(living)
    ends = np.cumsum([len(one) for one in near])
    exchanged = [part.tolist() for part in np.split(living, ends)[: len(near)]]
    listed = []
    for clusters in (near, exchanged):
        found = []
        for cluster in clusters:
            points, active = cluster_points(code, atoms, cluster)
            if len(cluster) > 1 and len(points) >= FEWEST:
                some = points[:: max(1, len(points) // POINTS)]
                found.append(_Cluster(points, active, irreducibility(some)))
        listed.append(found)
    return listed[0], listed[1]


def _flagged(clusters: list[_Cluster]) -> float:
    return float(np.mean([one.is_flagged for one in clusters])) if clusters else 0.0


def _agreement(active: Bool[np.ndarray, " rows"], wanted: Bool[np.ndarray, " rows"]) -> float:
    """F1 of active rows as weekdays."""
    return float(2 * (active & wanted).sum() / max(1, active.sum() + wanted.sum()))


def _neighbours(cluster: _Cluster, days: Int[np.ndarray, " points"]) -> float:
    """How many of 7 weekdays stand beside the next one by their angle in the cluster's plane."""
    flat = (cluster.points - cluster.points.mean(0)) @ cluster.plane().T
    present = [day for day in range(len(DAYS)) if (days == day).any()]
    if len(present) < 3:
        return 0.0
    means = np.stack([flat[days == day].mean(0) for day in present])
    centred = means - means.mean(0)
    order = np.array(present)[np.argsort(np.arctan2(centred[:, 1], centred[:, 0]))]
    apart = np.abs(order - np.roll(order, 1))
    return float(((apart == 1) | (apart == len(DAYS) - 1)).sum())


def _day_rows(rng: np.random.Generator) -> tuple[Float[Tensor, "rows d"], np.ndarray]:
    """Activations at the weekday that ends each of some clauses, and which weekday it is."""
    clauses = _clauses()
    drawn = rng.choice(len(clauses), LEARNT + TESTED, replace=False)
    tokens = torch.cat([clauses[number] for number in drawn.tolist()])
    rows = torch.cat([_activations(batch)[:, -1] for batch in tokens.split(BATCH)])
    return rows, np.tile(np.arange(len(DAYS)), len(drawn))


@cache
def _clauses() -> list[Int[Tensor, "days time"]]:
    """Clauses of 7 tokens that end with a weekday, each with all of these."""
    model = _model()
    found = []
    for subject, verb, time in itertools.product(_SUBJECTS, _VERBS, _TIMES):
        tokens = tokens_of([f"{subject} {verb} {time} {day}" for day in DAYS], model)
        if tokens.shape[1] == CLAUSE:
            found.append(tokens)
    return found


@cache
def _background() -> Float[Tensor, "rows d"]:
    """Activations of labelled sentences, but at first tokens and massive ones."""
    model = _model()
    texts = [tokens_of(str(one.text), model)[0] for one in labelled_sentences(SENTENCES)]
    tokens = torch.stack([one[:SENTENCE] for one in texts if len(one) >= SENTENCE])
    tokens = tokens[: len(tokens) // BATCH * BATCH]
    rows = torch.cat([_activations(one)[:, 1:].flatten(0, 1) for one in tokens.split(BATCH)])
    return rows[usual_rows(rows)]


@torch.no_grad()
def _activations(tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time d"]:
    keywords = {"input_ids": tokens, "use_cache": False}
    with _recorder() as recorder:
        return recorder.run((), keywords, *tokens.shape)[SITE]


@cache
def _recorder() -> Recorder:
    """One for all passes, so that those of a shape that ran once stop at the site."""
    return Recorder(_model().model.get_submodule("model"), SITE)


@cache
def _model() -> LoadedModel:
    return english_model()
