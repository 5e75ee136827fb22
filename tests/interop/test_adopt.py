"""Any pair of functions is a dictionary that is evaluated, indexed and compared."""

import pytest
import torch
from known_codes import make_store

import sparsetime as st
from sparsetime.errors import ConfigError, DataError

ENCODER = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
DECODER = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
BIAS = torch.arange(5.0)


def encode(x):
    """Values of both signs, by a rule that no format here has."""
    pre = torch.tanh((x - BIAS) @ ENCODER)
    return pre * (pre.abs() > 0.9)


def decode(code):
    return code @ DECODER + BIAS


@pytest.fixture
def x():
    return torch.randn(60, 5, generator=torch.Generator().manual_seed(2)) + BIAS


def test_its_codes_and_outputs_are_those_of_the_functions(x):
    sae = st.adopt(encode, decode, d_in=5, width=12)
    torch.testing.assert_close(sae.encode(x).dense(), encode(x))
    assert (sae.encode(x).values < 0).any()
    torch.testing.assert_close(sae(x), decode(encode(x)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(sae.atoms, DECODER, rtol=1e-5, atol=1e-5)
    assert sae.encode(x.reshape(3, 20, 5)).shape == (3, 20)


def test_it_is_evaluated_and_indexed(x, tmp_path):
    sae = st.adopt(encode, decode, d_in=5, width=12)
    store = make_store(tmp_path / "store", x.split(30))
    fvu = (x - decode(encode(x))).square().sum() / (x - x.mean(0)).square().sum()
    found = st.evaluate(sae, store, ["fvu"], progress=False)["fvu"].value
    assert found == pytest.approx(float(fvu), rel=1e-4)
    index = st.index(sae, store, out=tmp_path / "features", progress=False)
    density = (encode(x) != 0).double().mean(0)
    assert index.features["density"].to_pylist() == pytest.approx(density.tolist(), rel=1e-5)
    other = st.adopt(lambda x: encode(2 * x), decode, d_in=5, width=12)
    with pytest.raises(st.errors.StoreError, match="of another dictionary"):
        st.index(other, store, out=tmp_path / "features", progress=False)


def test_a_transcoder_reads_its_input_as_it_is(x):
    sae = st.adopt(encode, lambda code: code @ DECODER[:, :3] + 1.0, d_in=5, width=12)
    torch.testing.assert_close(sae.encode(x).dense(), encode(x))
    assert sae.out_dims == (3,)


@pytest.mark.parametrize(
    ("functions", "kind", "message"),
    [
        ((encode, lambda code: decode(code.square() + code)), ConfigError, "decode is not affine"),
        ((lambda x: encode(x)[:, :3], decode), DataError, r"expected finite codes of shape"),
        ((lambda x: encode(x) * torch.nan, decode), DataError, "with NaN or inf"),
        ((lambda x: encode(x) * x.sum(), decode), ConfigError, "depends on the other rows"),
    ],
)
def test_functions_that_are_no_dictionary_are_refused(functions, kind, message):
    with pytest.raises(kind, match=message):
        st.adopt(*functions, d_in=5, width=12)


def test_it_is_not_saved(tmp_path):
    sae = st.adopt(encode, decode, d_in=5, width=12)
    with pytest.raises(ConfigError, match="got a dictionary of functions"):
        sae.save(tmp_path)
    with pytest.raises(ConfigError, match="would be lost: the encoder 'adopted'"):
        st.convert(sae, tmp_path / "x", "saelens")
