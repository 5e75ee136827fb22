"""MONA: examples of a task selected out of a mixed pool by codes, by neurons and at random."""

import tempfile
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.features.labels.stored_label import sequence_labels
from sparsetime.retrieval.pooled_segments import pooled_segments
from sparsetime.statistics.pooling import pooled
from sparsetime.testbeds.sentences.texts import REVIEWS

SITE, NEURONS = "model.layers.14", "model.layers.14.mlp.down_proj:input"
WIDTH, K, ROWS = 1152, 32, 40_000
EXAMPLES, DRAWS = 8, 5  # of the target task; numbers of draws


@claim(
    "data_selection",
    system=12,
    says="Texts that are nearest to a few examples of a task are of that task more often by "
    "pooled codes than by pooled neurons, and than by chance.",
    data="a proxy: fourteen kinds of labelled sentences of sae-probes in the place of tasks of "
    "instruction tuning; SmolLM2-135M-Instruct, layer 14 of 30; no model is tuned",
    expects=[
        Less("precision by neurons", than="precision by codes"),
        Less("precision at random", than="precision by codes"),
    ],
    seconds=70,
    rule="selecting by SAE similarity retrieves more same-task examples from a mixed pool than "
    "raw-neuron similarity and random, over several seeds.",
    notes="Precision is the share of a task among as many nearest held-out texts as it has. "
    "Similarity is the cosine of means over tokens, centred or not, which is chosen for each "
    "representation on tuning texts. Hidden states are reported beside.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Eight examples of each task at a time, all other held-out texts as the pool."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the tasks of texts are permuted."""
    rows = lab.sentences(SITE)
    sae = dictionary("topk", d_in=rows.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, rows.train, rows=ROWS, seed=seed)
    stores = {"tuning": rows.tuning_store, "held_out": rows.held_out_store}
    read = {
        "by codes": {part: _codes(sae, store) for part, store in stores.items()},
        "by neurons": _neurons(rows),
        "by hidden states": {part: _means(store) for part, store in stores.items()},
    }
    values = {}
    for name, parts in read.items():
        tuning, tasks = parts["tuning"], _tasks(rows.tuning_store)
        centred = _precision(tuning, tasks, seed, True) > _precision(tuning, tasks, seed, False)
        held_out, tasks = parts["held_out"], _tasks(rows.held_out_store)
        if permuted:
            tasks = seeds.numpy_generator(seed, "random choice").permutation(tasks)
        values[f"precision {name}"] = _precision(held_out, tasks, seed, centred)
    counts = np.bincount(tasks)
    values["precision at random"] = float(np.mean((counts - EXAMPLES) / (len(tasks) - EXAMPLES)))
    return values


def _precision(
    x: Float[np.ndarray, "texts d"], task: Int[np.ndarray, " texts"], seed: int, centred: bool
) -> float:
    """Mean over tasks and draws of the share of the task among the nearest texts."""
    rng = seeds.numpy_generator(seed, "random choice")
    x = x - x.mean(0) if centred else x
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    shares = []
    for number in np.unique(task):
        own = np.flatnonzero(task == number)
        for _ in range(DRAWS):
            target = rng.choice(own, EXAMPLES, replace=False)
            pool = np.setdiff1d(np.arange(len(x)), target)
            order = np.argsort(-(unit[pool] @ unit[target].mean(0)), kind="stable")
            nearest = pool[order[: len(own) - EXAMPLES]]
            shares.append((task[nearest] == number).mean())
    return float(np.mean(shares))


@cache
def _neurons(rows: Splits) -> dict[str, Float[np.ndarray, "texts neurons"]]:
    """Mean activations of the MLP's neurons for every tuning and held-out text."""
    assert rows.bed.model is not None
    means = {}
    for part in ("tuning", "held_out"):
        view = getattr(rows, f"{part}_store")
        texts = [Document(one.id, text=one.text) for one in map(view.sequence, range(_count(view)))]
        with tempfile.TemporaryDirectory() as folder:
            means[part] = _means(capture(rows.bed.model, texts, NEURONS, folder, progress=False))
    return means


def _codes(sae: Dictionary, store: Store) -> Float[np.ndarray, "texts width"]:
    return np.asarray(pooled_segments(sae, store, None, "mean", False).codes.todense())


def _means(store: Store) -> Float[np.ndarray, "texts d"]:
    rows = store.read(0, len(store)).float().nan_to_num(0.0)
    return np.asarray(pooled(rows, store.segments.numpy_lengths).todense())


def _count(store: Store) -> int:
    return len(store.sequence_indices)


def _tasks(store: Store) -> Int[np.ndarray, " texts"]:
    tables = [REVIEWS[0] if t in REVIEWS else t for t in sequence_labels(store)["table"]]
    return np.unique(tables, return_inverse=True)[1]
