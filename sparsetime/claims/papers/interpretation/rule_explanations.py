"""Automated interpretability: explanations against exchanged ones, and latents against neurons."""

import tempfile
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.explanations.conditions.step_conditions import StepConditions, step_conditions
from sparsetime.explanations.explain import explain
from sparsetime.explanations.rules.explained_feature import balanced_accuracy
from sparsetime.explanations.rules.rule import Rule
from sparsetime.features.array_codes import ArrayCodes
from sparsetime.features.build_index import index
from sparsetime.features.feature_entries import FeatureEntries, feature_entries
from sparsetime.features.index import FeatureIndex
from sparsetime.features.labels.halves import halves
from sparsetime.features.labels.stored_label import sequence_labels

SITE, NEURONS = "model.layers.1", "model.layers.1.mlp.down_proj:input"
WIDTH, K, ROWS = 512, 16, 100_000
DOCUMENTS, FEATURES, NEAR = 24, 60, 8


@claim(
    "rule_explanations",
    system=22,
    says="By detection and by fuzzing, a latent's own explanation is right more often than another "
    "latent's, and latents score above the most active neurons of the layer.",
    data="the Python-source model, layer 1 of 4, 24 modules: 12 choose rules, 12 score them",
    expects=[
        Less("detection, exchanged", than="detection"),
        Less("fuzzing, exchanged", than="fuzzing"),
        Less("detection of neurons", than="detection"),
        AtLeast("detection", than=0.6),
    ],
    seconds=80,
    rule="detection and fuzzing scores separate true explanations from ones swapped between "
    "features, and SAE latents outscore top-k-sparsified neurons.",
    notes="Explanations are rules that are executed, and no language model; 60 features of each "
    "kind, drawn by density. Fuzzing separates active steps from silent ones at most 8 steps away. "
    "Settings of the search for rules were chosen on this model and its modules with dictionaries "
    "of seed 0, so that only the dictionaries of seeds 1 and 2 are apart, and the text is not.",
    null=lambda lab, seed: _values(lab, seed, exchanged=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Rules of 60 latents of a TopK dictionary, and of 60 neurons."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, exchanged: bool = False) -> dict[str, float]:
    """exchanged: the null, in which every feature is scored by another one's rule."""
    code = lab.code(SITE)
    sae = dictionary("topk", d_in=code.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, code.train, rows=ROWS, seed=seed)
    values: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        view = code.bed.store.of_sequences(np.arange(DOCUMENTS))
        made = index(sae, view, f"{folder}/latents", progress=False)
        values |= _scores(made, view, seed, exchanged, "")
        neurons = lab.code(NEURONS).bed.store.of_sequences(np.arange(DOCUMENTS))
        made = index(_neurons(neurons), neurons, f"{folder}/neurons", progress=False)
        values |= _scores(made, neurons, seed, exchanged, " of neurons")
    return values


def _scores(
    made: FeatureIndex, view: Store, seed: int, exchanged: bool, kind: str
) -> dict[str, float]:
    chosen = _drawn(made, seed)
    table = explain(made, view, chosen.tolist(), moments=200, seed=seed, progress=False)
    rows = [
        row
        for row in table.table.to_pylist()
        if row["part"] == "active" and row["accuracy"] is not None
    ]
    own, swapped = (float(np.mean([row[name] for row in rows])) for name in ("accuracy", "swapped"))
    scoring = halves(view.segments.numpy_lengths, sequence_labels(view), seed).scoring
    fuzzing, fuzzing_swapped = _fuzzing(made, step_conditions(view), rows, scoring)
    if exchanged:
        own, fuzzing = swapped, fuzzing_swapped
    return {
        f"detection{kind}": own,
        f"detection{kind}, exchanged": swapped,
        f"fuzzing{kind}": fuzzing,
        f"fuzzing{kind}, exchanged": fuzzing_swapped,
    }


def _fuzzing(
    made: FeatureIndex,
    steps: StepConditions,
    rows: list[dict[str, Any]],
    scoring: Bool[np.ndarray, " rows"],
) -> tuple[float, float]:
    """Balanced accuracy on active steps and the silent ones near them; own and exchanged rules."""
    entries = feature_entries(made)
    rules = [Rule.from_json(row["rule"]).holds(steps) for row in rows]
    own, swapped = [], []
    for place, row in enumerate(rows):
        near, active = _near(entries, row["feature"], scoring)
        if active.all() or not active.any():
            continue
        own.append(balanced_accuracy(rules[place][near], active))
        other = rules[(place + 1) % len(rules)]
        swapped.append(balanced_accuracy(other[near], active))
    return float(np.mean(own)), float(np.mean(swapped))


def _near(
    entries: FeatureEntries, feature: int, scoring: Bool[np.ndarray, " rows"]
) -> tuple[Int[np.ndarray, " near"], Bool[np.ndarray, " near"]]:
    """Held-out rows at most 8 steps from an active one, and whether each is active."""
    active = np.zeros(entries.rows, dtype=bool)
    active[entries.row[entries.offsets[feature] : entries.offsets[feature + 1]]] = True
    reach = np.convolve(active, np.ones(2 * NEAR + 1), mode="same") > 0.5
    near = np.flatnonzero(reach & scoring)
    return near, active[near]


def _drawn(made: FeatureIndex, seed: int) -> Int[np.ndarray, " features"]:
    """Features at equal distances of their rank by density, among those active on 40 steps."""
    counts = made.features["count"].to_numpy()
    living = np.flatnonzero(counts >= 40)
    order = living[np.argsort(counts[living], kind="stable")]
    begin = seeds.numpy_generator(seed, "random choice").random()
    place = (np.arange(FEATURES) + begin) * len(order) / FEATURES
    return np.unique(order[place.astype(np.int64).clip(max=len(order) - 1)])


def _neurons(store: Store) -> ArrayCodes:
    """The 16 largest neurons of every step."""
    codes = {}
    for place, number in enumerate(store.sequence_indices.tolist()):
        x = store.sequence(place).values
        kept = x.abs().topk(K, dim=1).indices.sort(dim=1).values
        offsets = torch.arange(0, kept.numel() + 1, K)
        values = x.gather(1, kept).flatten()
        codes[number] = SparseCode(offsets, kept.flatten(), values, store.d, (len(x),))
    return ArrayCodes("neurons", codes)
