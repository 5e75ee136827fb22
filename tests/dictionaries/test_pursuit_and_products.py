"""Encoders on input whose answer is known."""

import math
from itertools import pairwise

import pytest
import torch

import sparsetime as st
from sparsetime import kernels
from sparsetime.dictionaries.encoders import BilinearEncoder, DistanceEncoder, KroneckerEncoder
from sparsetime.dictionaries.encoders.kronecker import soft_and
from sparsetime.dictionaries.encoders.matching_pursuit import chosen_in_turns, shares
from sparsetime.errors import ConfigError

# Three directions in the plane: along x, along y, and between them.
PLANE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])


def turns(x, k, rule=kernels.TopK):
    chosen = chosen_in_turns(x, PLANE, rule(k), torch.float32)
    return chosen, shares(x, PLANE, chosen)


def test_matching_pursuit_by_hand():
    """(1, 2): 2.2 along (.6, .8) first; then (-.32, .24) is left, of which .24 along y."""
    chosen, share = turns(torch.tensor([[1.0, 2.0]]), 2)
    assert chosen.tolist() == [[2, 1]]
    torch.testing.assert_close(share, torch.tensor([[2.2, 0.24]]))


def test_matching_pursuit_takes_signed_shares_only_where_asked():
    left = torch.tensor([[-3.0, 0.0]])
    assert turns(left, 2)[0].tolist() == [[-1, -1]]
    chosen, share = turns(left, 2, kernels.AbsTopK)
    assert chosen[0, 0] == 0
    assert share[0, 0] == -3


def test_every_further_step_lowers_the_error():
    x = torch.randn(200, 12, generator=torch.Generator().manual_seed(0))
    sae = st.dictionary("mp_sae", d_in=12, width=40, k=12)
    errors = []
    for k in (1, 2, 4, 8, 12):
        sae.sparsifier.k = k
        errors.append((sae(x) - x).square().sum().item())
    assert all(later < before for before, later in pairwise(errors))


def test_the_shares_have_the_gradient_of_the_unrolled_loop():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 5, generator=generator)
    atoms = torch.nn.functional.normalize(torch.randn(9, 5, generator=generator), dim=1)
    chosen = chosen_in_turns(x, atoms, kernels.TopK(3), torch.float32)
    found = []
    for unrolled in (False, True):
        weight = atoms.clone().requires_grad_()
        if unrolled:
            residual, parts = x, []
            for turn in range(3):
                own = weight[chosen[:, turn]]
                parts.append((residual * own).sum(1))
                residual = residual - parts[-1][:, None] * own
            share = torch.stack(parts, 1)
        else:
            share = shares(x, weight, chosen)
        share.sin().sum().backward()
        found.append((share.detach(), weight.grad))
    torch.testing.assert_close(found[0], found[1])


def test_an_atom_chosen_twice_stands_once_with_both_shares():
    """In the plane of two atoms the pursuit goes to and fro between them."""
    sae = st.dictionary("mp_sae", d_in=2, width=3, k=3)
    with torch.no_grad():
        sae.decoder.weight.copy_(torch.tensor([[1.0, 0.0], [0.6, -0.8], [0.8, 0.6]]))
    code = sae.encode(torch.tensor([[2.0, 0.1]]))
    residual, dense = torch.tensor([2.0, 0.1]), torch.zeros(3)
    for _ in range(3):
        share = sae.decoder.weight.detach() @ residual
        best = int(share.argmax())
        dense[best] += share[best]
        residual = residual - share[best] * sae.decoder.weight.detach()[best]
    torch.testing.assert_close(code.dense()[0], dense)
    assert (code.indices.diff() > 0).all()


def test_matching_pursuit_wants_a_number_of_steps():
    with pytest.raises(ConfigError, match=r"needs to know how many steps to take.*'top_k'"):
        st.compose(encoder="matching_pursuit", sparsifier="jumprelu", d_in=4, width=8)
    with pytest.raises(ConfigError, match="live in the space of another site"):
        st.compose(
            encoder="matching_pursuit",
            sparsifier={"kind": "top_k", "k": 2},
            d_in=4,
            d_out=4,
            width=8,
        )


def test_soft_and_is_on_where_both_are():
    u = torch.tensor([4.0, 4.0, -4.0, -4.0, 0.0], requires_grad=True)
    v = torch.tensor([9.0, -9.0, 9.0, -9.0, 9.0])
    both = soft_and(u, v)
    assert both.tolist() == [6.0, 0.0, 0.0, 0.0, 0.0]
    both.sum().backward()
    assert u.grad.tolist() == [0.75, 0.0, 0.0, 0.0, 0.0]  # sqrt(9 / 4) / 2


def test_kronecker_pairs_every_base_with_every_extension():
    encoder = KroneckerEncoder(d_in=5, width=4, base=2, extension=2)
    with torch.no_grad():
        encoder.base_weight.copy_(torch.eye(5)[:2])
        encoder.extension_weight.copy_(torch.eye(5)[2:4])
    pre = encoder.pre_activations(torch.tensor([[1.0, 4.0, 9.0, 16.0, 5.0]]))
    assert pre.tolist() == [[3.0, 4.0, 6.0, 8.0]]
    with pytest.raises(ConfigError, match=r"must be a multiple of 2 \* 2; given: 6"):
        KroneckerEncoder(d_in=5, width=6, base=2, extension=2)


def test_a_bilinear_latent_is_its_quadratic_form():
    encoder = BilinearEncoder(d_in=4, width=3)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(20, 4, generator=generator)
    with_one = torch.cat([x, torch.ones(20, 1)], 1)
    for latent in range(3):
        form = encoder.form(latent)
        assert torch.equal(form, form.T)
        by_form = torch.einsum("ri,ij,rj->r", with_one, form, with_one)
        torch.testing.assert_close(by_form, encoder.pre_activations(x)[:, latent])


def test_distances_by_hand():
    encoder = DistanceEncoder(d_in=2, width=3)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]]))
    for length in (1.0, 7.0):
        pre = encoder.pre_activations(torch.tensor([[length, 0.0]]))
        wanted = torch.tensor([[2.0, 2 - math.sqrt(2), 0.0]])
        torch.testing.assert_close(pre, wanted, atol=2e-3, rtol=0)


@pytest.mark.parametrize("kind", ["bilinear", "distance", "kronecker"])
def test_places_and_the_whole_agree(kind):
    sae = st.compose(encoder=kind, sparsifier={"kind": "top_k", "k": 3}, d_in=6, width=32)
    x = torch.randn(10, 6, generator=torch.Generator().manual_seed(3))
    support, pre = sae.encoder.selected(x, kernels.TopK(3), torch.float32)
    whole = sae.encoder.pre_activations(x)
    assert torch.equal(support.offsets, kernels.select_dense(whole, kernels.TopK(3)).offsets)
    torch.testing.assert_close(pre, whole[support.row_of_entry, support.indices])
    largest = whole.topk(3, dim=1).values.clamp_min(0)
    torch.testing.assert_close(
        torch.zeros(10).index_add(0, support.row_of_entry, pre), largest.sum(1)
    )
