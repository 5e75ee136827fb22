"""Every recipe goes through the index and all figures."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import make_store

import sparsetime as st
from sparsetime.dictionaries import init_from_data


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 8)) + rng.normal(size=8) for n in (200, 150, 90, 3)]
    words = ["north", "south", "east", "west"]
    texts = [" ".join(rng.choice(words, len(one))) for one in x]
    steps = {"kind": [[word[-3:] for word in text.split(" ")] for text in texts]}
    return make_store(tmp_path_factory.mktemp("made") / "store", x, texts=texts, steps=steps)


@pytest.mark.parametrize("name", [card.name for card in st.recipes()])
def test_every_recipe_is_indexed_and_evaluated(name, store, tmp_path):
    sae = st.dictionary(name, d_in=8, width=64)
    if name == "delta":  # without a scale its sums err by more than an empty code, which it keeps
        init_from_data(sae, store.read(0, len(store)))
    made = st.index(sae, store, out=tmp_path / "index", progress=False)
    assert made.width == 64 and made.groups == sae.groups
    assert made.features["count"].to_numpy().sum() == made.record["entries"] > 0
    one = sae.encode(store.sequence(0).values)
    # Codes may differ in the last bit with the number of rows that are encoded together.
    assert np.allclose(made.sequence(0).dense().numpy(), one.dense().numpy(), atol=1e-5)
    report = st.evaluate(sae, store, out=tmp_path / "evaluation", progress=False)
    assert report["l0"].value == pytest.approx(made.record["entries"] / len(store))
    dwell = made.features["dwell"].to_numpy()
    assert report["dwell"].value == pytest.approx(np.nanmean(dwell))
    fired = made.features["flicker"].to_numpy()
    assert report["flicker"].value == pytest.approx(fired.sum())
    assert report["slow_probe"].details["converged"]
    if sae.out_dims is not None:
        assert "reconstructs another site" in report.left_out["fvu"]
        return
    x = np.concatenate([store.sequence(i).values.numpy() for i in range(4)])
    x_hat = np.concatenate([sae(store.sequence(i).values).detach().numpy() for i in range(4)])
    plain = ((x - x_hat) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()
    assert report["fvu"].value == pytest.approx(plain, rel=1e-4)
