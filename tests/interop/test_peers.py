"""Dictionaries that other libraries saved: codes, outputs and files are the same."""

import pytest
import torch
from interop.peer_files import (
    FOLDED,
    FORMATS,
    GOLDEN,
    REFUSED,
    expected,
    names,
    readable,
    tensors_of,
    writable,
)

import sparsetime as st
from sparsetime.dictionaries.row_statistics import row_statistics
from sparsetime.errors import ConfigError


def test_every_library_and_architecture_has_a_file():
    assert {name.split("/")[0] for name in names()} == set(FORMATS)
    assert len(names()) == 59
    assert set(names()) >= REFUSED | FOLDED


@pytest.mark.parametrize("name", readable())
def test_codes_and_outputs_are_those_of_the_library(name):
    sae, known = st.load(GOLDEN / name), expected(name)
    code = sae.encode(known["x"]).dense()
    if name == "llamascopium/topk":
        # It chooses by values times the atoms' lengths, and divides by them again.
        lengths = tensors_of(GOLDEN / name, "sae_weights.safetensors")["W_D"].norm(dim=1)
        code = code / lengths
    if sae.encoder.kind == "row_normalised":
        # Values of SAELens are those of the normalised row, ours those of the row itself.
        code = code / row_statistics(known["x"], sae.encoder.norm)[1]
    assert torch.equal(code != 0, known["code"] != 0)
    torch.testing.assert_close(code, known["code"], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(sae(known["x"]), known["output"], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", writable())
def test_written_again_its_weights_are_the_same_bits(name, tmp_path):
    library = name.split("/")[0]
    own, weights = FORMATS[library]
    st.convert(GOLDEN / name, tmp_path / "once", own)
    st.convert(tmp_path / "once", tmp_path / "twice", own)
    once, twice = (tensors_of(tmp_path / part, weights) for part in ("once", "twice"))
    assert once.keys() == twice.keys()
    assert all(torch.equal(once[key], twice[key]) for key in once)
    if name not in FOLDED:
        first = tensors_of(GOLDEN / name, weights)
        # dictionary_learning keeps a threshold that its per-row top-k does not use.
        first |= {"threshold": once["threshold"]} if name.endswith("AutoEncoderTopK") else {}
        assert once.keys() == first.keys()
        assert all(torch.equal(once[key], first[key]) for key in once)


@pytest.mark.parametrize("name", readable())
def test_it_is_kept_in_our_own_format(name, tmp_path):
    x = expected(name)["x"]
    before = st.load(GOLDEN / name)
    after = st.load(st.convert(before, tmp_path / "own"))
    assert torch.equal(after.encode(x).dense(), before.encode(x).dense())
    assert after.provenance == before.provenance
    assert after.is_fitted


def test_the_largest_of_each_group_is_refused():
    with pytest.raises(ConfigError, match="largest latent of each of k groups is another choice"):
        st.load(GOLDEN / "sparsify/groupmax")
