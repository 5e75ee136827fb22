"""Activations of any finite size give the same dictionary, and finite statistics."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.errors import DataError


@pytest.mark.parametrize("factor", [1e20, 1e-20, 1e30, 1e-30])
@pytest.mark.parametrize("robust", [False, True])
def test_the_scale_follows_the_data(factor, robust):
    x = planted(400)
    plain, scaled = Normalisation(), Normalisation()
    plain.fit(x, robust)
    scaled.fit(x * factor, robust)
    assert float(scaled.scale) == pytest.approx(float(plain.scale) * factor, rel=1e-4)


@pytest.mark.parametrize("factor", [1e20, 1e-20])
def test_training_on_huge_and_tiny_activations(factor, tmp_path):
    x = planted(2000)
    curves = []
    for at in (1.0, factor):
        sae = st.dictionary("topk", d_in=x.shape[1], width=32, k=3)
        run = st.train(sae, x * at, out=tmp_path / str(at), rows=4000, batch=200, show=False)
        curves.append([line["fvu"] for line in run.metrics])
        assert torch.isfinite(run.dictionary(x * at)).all()
    assert curves[1] == pytest.approx(curves[0], rel=0.02)


def test_a_robust_scale_needs_rows_that_differ():
    x = torch.zeros(20, 4)
    x[:5] = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    Normalisation().fit(x)
    with pytest.raises(
        DataError, match="half of the 20 sampled activations or more are the same v"
    ):
        Normalisation().fit(x, robust=True)
