"""An index of texts with features whose rule is known."""

from __future__ import annotations

import numpy as np
from known_codes import Itself, make_store

from sparsetime import seeds
from sparsetime.features.build_index import index

DOCUMENTS, STEPS, WIDTH = 12, 300, 14
ON_CAT, AFTER_THE, IN_QUOTE, QUOTED_DOG, RANDOM = range(5)
WORDS = ("the", "cat", "dog", "runs", "Sees", "a", "bird", "and", "sleeps", "42")


def planted_texts(folder):
    """Features: on "cat"; after "the"; while `quoted`; "dog" or "bird" while quoted; others random.

    `quoted` is a label of steps with runs of 6 steps.
    """
    rng = seeds.numpy_generator(0, "planted codes")
    rows, texts, quoted = [], [], []
    for _ in range(DOCUMENTS):
        words = rng.choice(WORDS, STEPS)
        inside = np.repeat(rng.random(STEPS // 6) < 0.3, 6)
        x = (rng.random((STEPS, WIDTH)) < 0.08) * rng.random((STEPS, WIDTH))
        x[:, ON_CAT] = (words == "cat") * rng.uniform(0.5, 1, STEPS)
        x[1:, AFTER_THE] = (words[:-1] == "the") * 1.0
        x[0, AFTER_THE] = 0
        x[:, IN_QUOTE] = inside * 1.0
        x[:, QUOTED_DOG] = (np.isin(words, ["dog", "bird"]) & inside) * 1.0
        rows.append(x)
        texts.append(" ".join(words))
        quoted.append(inside.tolist())
    store = make_store(folder / "store", rows, texts=texts, steps={"quoted": quoted})
    return index(Itself(WIDTH), store, folder / "index", progress=False), store
