"""A small run without a language model: a store whose words are vectors, and its dictionaries."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import torch

import sparsetime
from sparsetime import seeds
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.statistics.estimate import Estimate
from sparsetime.steering import EffectsByLag, LagCurve, Response

SENTENCE = "The quiet river carries every morning a little more of the old town away. "
WIDTH, DIMENSIONS = 96, 16
NAMES = [
    "river",
    "town",
    "engine",
    "letter",
    "garden",
    "window",
    "number",
    "voice",
    "road",
    "answer",
]


def write_store(out, texts, model_hash="abc", site="layer", unit="token", **columns):
    """Every word a step; its activations are a vector of the word plus one of the document."""
    writer = StoreWriter(
        out, model_name="/somewhere/tiny/model", model_hash=model_hash, site=site, d=DIMENSIONS,
        dtype="float32", unit=unit, capture={},
    )  # fmt: skip
    words, rows = {}, {"sequence": [], "position": [], "char_start": [], "char_end": []}
    generator = seeds.torch_generator(0, "planted atoms")
    vectors = torch.randn(400, DIMENSIONS, generator=generator)
    values, lengths = [], []
    for number, text in enumerate(texts):
        at, count = 0, 0
        for word in text.split():
            at = text.index(word, at)
            rows["sequence"].append(number)
            rows["position"].append(count)
            rows["char_start"].append(at)
            rows["char_end"].append(at + len(word))
            values.append(vectors[words.setdefault(word, len(words))] + vectors[-1 - number])
            at, count = at + len(word), count + 1
        lengths.append(count)
    sequences = pa.table(
        {
            "id": [f"document {n}" for n in range(len(texts))],
            "length": lengths,
            "text": pa.array(texts, pa.large_string()),
            "source": ["even" if n % 2 == 0 else "odd" for n in range(len(texts))],
            "labels": [json.dumps({"name": f"text {n}"}) for n in range(len(texts))],
            **columns,
        }
    )
    steps = pa.table({name: pa.array(np.array(v, np.int32)) for name, v in rows.items()})
    writer.append(torch.stack(values), steps, sequences)
    return writer.finish()


def prose(seed, sentences):
    rng = seeds.numpy_generator(seed, "random tokens")
    verbs = ["carries", "forgets", "repeats", "measures", "hides", "explains", "follows"]
    return " ".join(
        f"the {rng.choice(NAMES)} quietly {rng.choice(verbs)} every {rng.choice(NAMES)} again."
        for _ in range(sentences)
    )


def add_dictionary(run, store, name):
    sae = sparsetime.dictionary(name, d_in=DIMENSIONS, width=WIDTH, k=4)
    settings = {"rows": 4_000, "batch": 128, "show": False}
    sae = sparsetime.train(sae, store, out=str(run / name), **settings).dictionary
    sparsetime.index(sae, store, out=run / name / "features", progress=False)
    lines = [{"step": i, "rows": 10 * i, "fvu": 1 / i} for i in (1, 2, 3)]
    cut = '{"step": 4, "ro'
    (run / name / "metrics.jsonl").write_text("\n".join([*map(json.dumps, lines), cut]))
    return sae


def add_untrained(run, store, name, seed=0, indexed=True):
    """A dictionary as it is made, in the folder `name` of the run."""
    sae = sparsetime.dictionary("topk", d_in=DIMENSIONS, width=WIDTH, k=4, seed=seed)
    sae.save(str(run / name))
    if indexed:
        sparsetime.index(sae, store, out=run / name / "features", force=True, progress=False)
    return sae


def effects_by_lag():
    """Effects of feature 3, as `st.effects` measures them."""
    mean = np.array([0.5, 0.2, 0.1])
    curve = LagCurve(mean, mean - 0.1, mean + 0.1, np.stack([mean, mean / 2]))
    half = Estimate(1.5, (1.0, 2.0), 1.2, "", {"censored": False})
    response = Response("impulse", curve, curve, {("layer", 3): mean}, half, 0.7)
    settings = {"units": "peak", "at": "onset", "hold": 4, "edits": {"3": [["add", 2.0]]}}
    return EffectsByLag("layer", (3,), {"impulse": response}, 12, "KL in nats", settings)
