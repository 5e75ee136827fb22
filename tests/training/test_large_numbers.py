"""Fitted numbers of finite activations are finite, or the training says which is not."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.errors import DataError

SETTINGS = {"rows": 512, "batch": 64, "show": False}


def topk():
    return st.dictionary("topk", d_in=16, width=32, k=4)


@pytest.mark.parametrize("factor", [2.0**66, 2.0**-66, 2.0**100, 2.0**-100])
def test_the_scale_of_activations_changes_nothing(factor, tmp_path):
    x = planted(800, sequences=8)
    plain = st.train(topk(), x, out=tmp_path / "a", **SETTINGS).dictionary
    scaled = st.train(topk(), x * factor, out=tmp_path / "b", **SETTINGS).dictionary
    assert scaled.normalisation.scale.item() == pytest.approx(
        plain.normalisation.scale.item() * factor
    )
    torch.testing.assert_close(scaled.atoms, plain.atoms, rtol=1e-3, atol=1e-4)
    values = [
        st.evaluate(sae, data, ["fvu", "l0"], progress=False)["fvu"].value
        for sae, data in ((plain, x), (scaled, x * factor))
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-3) and values[0] < 1


@pytest.mark.parametrize("factor", [3e38, 1e-42])
def test_a_scale_that_float32_does_not_hold_is_refused_with_a_factor(factor, tmp_path):
    x = planted(800)
    x = (x / x.abs().max()) * factor
    if factor > 1:
        x[0], x[1] = factor, -factor
        x[2:] = x[2:].sign() * factor
    with pytest.raises(
        DataError, match=r"which float32 does not hold; multiply them by (1e-\d+|1e\+\d+)"
    ):
        st.train(topk(), x, out=tmp_path, **SETTINGS)
    assert not (tmp_path / "dictionary.json").exists()


def test_equal_rows_have_no_scale_whatever_their_size():
    for value in (0.1, 1e20, 1e-30, 12345.678):
        with pytest.raises(DataError, match="are the same vector"):
            Normalisation((3,)).fit(torch.full((1000, 3), value))


def test_weights_that_are_not_finite_are_never_kept(tmp_path, monkeypatch):
    from sparsetime.training.adam import Adam

    step = Adam.step

    def broken(self):
        step(self)
        if self.steps == 8:
            next(iter(self._parameters.values())).data[0] = float("nan")

    monkeypatch.setattr(Adam, "step", broken)
    with pytest.raises(DataError, match="of the dictionary 'topk' is not finite after it was trai"):
        st.train(topk(), planted(800), out=tmp_path, checkpoint_every=100, **SETTINGS)
    assert not (tmp_path / "dictionary.json").exists()
