"""Features of head outputs: shares of heads sum to one, and contributions to the value."""

import pytest
import torch

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError

D, HEADS = 12, 3


@pytest.fixture
def sae():
    return st.dictionary("topk", d_in=D, width=20, k=4, seed=0)


@pytest.fixture
def outputs():
    return torch.randn(9, D, generator=seeds.torch_generator(0, "random inputs"))


def test_shares_of_heads_are_those_of_decoder_blocks(sae):
    with torch.no_grad():
        sae.atoms[0] = torch.tensor([3.0] + [0.0] * 3 + [0.0, 4.0] + [0.0] * 6)
    shares = st.circuits.head_shares(sae, HEADS)
    assert torch.allclose(shares[0], torch.tensor([3 / 7, 4 / 7, 0.0]))
    assert torch.allclose(shares.sum(1), torch.ones(20))


def test_contributions_of_heads_add_up_to_the_value(sae, outputs):
    found = st.circuits.head_contributions(sae, outputs, HEADS)
    code = sae.encode(outputs)
    assert torch.equal(found.latents, code.indices)
    assert torch.allclose(found.heads.sum(1) + found.offset, code.values, atol=1e-5)


def test_a_head_that_is_silent_contributes_nothing(sae, outputs):
    outputs[:, 4:8] = 0
    found = st.circuits.head_contributions(sae, outputs, HEADS)
    assert not found.heads[:, 1].any()
    assert found.heads[:, 0].any()


def test_heads_that_do_not_divide_the_dimensions_are_refused(sae):
    with pytest.raises(ConfigError, match="got heads=5 for a dictionary of 12 dimensions"):
        st.circuits.head_shares(sae, 5)
    transcoder = st.dictionary("transcoder", d_in=D, d_out=D, width=20, k=4)
    with pytest.raises(ConfigError, match="expected an SAE that reconstructs"):
        st.circuits.head_shares(transcoder, HEADS)
