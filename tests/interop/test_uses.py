"""A dictionary of any library trains further, is evaluated, indexed and compared as one of ours."""

import pytest
import torch
from interop.peer_files import GOLDEN, expected
from known_codes import make_store

import sparsetime as st

# One of each rule; all others differ from these in their files alone.
KINDS = (
    "sae_lens/standard",
    "sae_lens/gated_uncentred",
    "sae_lens/jumprelu_uncentred",
    "dictionary_learning/MatryoshkaBatchTopKSAE",
    "sparsify/sae",
    "sparsify/skip_transcoder",
)


LENGTHS = (100, 156)


@pytest.fixture(scope="module")
def rows():
    """Rows near those of the files, more of them."""
    x = expected("sae_lens/standard")["x"].repeat(8, 1)
    return x + 0.01 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def store(rows, tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("rows") / "store", rows.split(LENGTHS))


@pytest.mark.filterwarnings("ignore:after .* explains almost nothing")  # its weights are random
@pytest.mark.parametrize("name", KINDS)
def test_it_trains_further_from_its_weights(name, rows, tmp_path):
    sae = st.load(GOLDEN / name)
    start = {key: tensor.clone() for key, tensor in sae.state_dict().items()}
    target = rows.sin() if sae.out_dims else rows
    data = {"x": rows, "target": target} if sae.out_dims else rows
    before = (sae(rows) - target).square().sum(1).mean()
    st.train(
        sae, data, out=tmp_path / "run", rows=1280, batch=64, learning_rate=3e-3, show=False
    )  # fmt: skip
    assert (sae(rows) - target).square().sum(1).mean() < before
    moved = {key: (sae.state_dict()[key] - old).abs().max() for key, old in start.items()}
    assert moved["normalisation.scale"] == 0
    assert 0 < moved["encoder.weight"] < 0.3
    again = st.load(tmp_path / "run")
    assert again.is_fitted
    assert torch.equal(again(rows), sae(rows))


@pytest.mark.parametrize("name", KINDS)
def test_it_is_evaluated_and_indexed(name, rows, store, tmp_path):
    sae = st.load(GOLDEN / name)
    if sae.out_dims is None:
        report = st.evaluate(sae, store, ["fvu", "l0"], progress=False)
        fvu = (rows - sae(rows).detach()).square().sum() / (rows - rows.mean(0)).square().sum()
        assert report["fvu"].value == pytest.approx(float(fvu), rel=1e-4)
    index = st.index(sae, store, out=tmp_path / "features", progress=False)
    density = (sae.encode(rows).dense() != 0).double().mean(0)
    found = torch.tensor(index.features["density"].to_pylist(), dtype=torch.float64)
    torch.testing.assert_close(found, density, rtol=1e-5, atol=1e-9)
