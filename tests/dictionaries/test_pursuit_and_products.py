"""Encoders on input whose answer is known."""

import math
from itertools import pairwise

import pytest
import torch

import sparsetime as st
from sparsetime import kernels
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders import (
    BilinearEncoder,
    DistanceEncoder,
    GradientPursuitEncoder,
    KroneckerEncoder,
    MatchingPursuitEncoder,
    OrthogonalPursuitEncoder,
)
from sparsetime.dictionaries.encoders.kronecker import soft_and
from sparsetime.errors import ConfigError

# Three directions in the plane: along x, along y, and between them.
PLANE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])


PURSUITS = {
    "matching_pursuit": MatchingPursuitEncoder,
    "orthogonal_pursuit": OrthogonalPursuitEncoder,
    "gradient_pursuit": GradientPursuitEncoder,
}


def turns(x, k, rule=kernels.TopKRule, pursuit="matching_pursuit"):
    encoder = PURSUITS[pursuit](2, 3)
    chosen = encoder.chosen(x, PLANE, rule(k), torch.float32)
    own = PLANE[chosen.clamp_min(0)] * (chosen >= 0)[..., None]
    direct = (own @ x[..., None]).squeeze(2)
    return chosen, encoder.coefficients(own @ own.mT, direct, rule is kernels.AbsTopKRule)


def test_matching_pursuit_by_hand():
    """(1, 2): 2.2 along (.6, .8) first; then (-.32, .24) is left, of which .24 along y."""
    chosen, share = turns(torch.tensor([[1.0, 2.0]]), 2)
    assert chosen.tolist() == [[2, 1]]
    torch.testing.assert_close(share, torch.tensor([[2.2, 0.24]]))


def test_matching_pursuit_takes_signed_shares_only_where_asked():
    left = torch.tensor([[-3.0, 0.0]])
    assert turns(left, 2)[0].tolist() == [[-1, -1]]
    chosen, share = turns(left, 2, kernels.AbsTopKRule)
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


def test_orthogonal_pursuit_by_hand():
    """(1, 2): first 2.2 along (.6, .8), then y; both together are exact: 5/3 and 2/3."""
    chosen, strengths = turns(torch.tensor([[1.0, 2.0]]), 2, pursuit="orthogonal_pursuit")
    assert chosen.tolist() == [[2, 1]]
    torch.testing.assert_close(strengths, torch.tensor([[5 / 3, 2 / 3]]), rtol=1e-4, atol=0)


def test_gradient_pursuit_by_hand():
    """(1, 2): after 2.2 along (.6, .8) the gradient is 0 there and .24 along y, and the step 1."""
    chosen, strengths = turns(torch.tensor([[1.0, 2.0]]), 2, pursuit="gradient_pursuit")
    assert chosen.tolist() == [[2, 1]]
    torch.testing.assert_close(strengths, torch.tensor([[2.2, 0.24]]))
    # From the third turn on both are moved; x would be next, and (1, 2) is left nearly whole.
    x = torch.tensor([[1.0, 2.0]])
    errors = []
    for pursuit in ("matching_pursuit", "gradient_pursuit"):
        chosen, strengths = turns(x, 3, pursuit=pursuit)
        own = PLANE[chosen.clamp_min(0)] * (chosen >= 0)[..., None]
        errors.append(float((x - (strengths[:, None] @ own).squeeze(1)).norm()))
    assert errors[1] < errors[0]


def test_orthogonal_pursuit_leaves_out_what_would_be_negative():
    products = torch.tensor([[[1.0, 0.9], [0.9, 1.0]]])
    direct = torch.tensor([[1.0, 0.5]])  # least squares: 2.89 and -2.11
    encoder = OrthogonalPursuitEncoder(2, 3)
    positive = encoder.coefficients(products, direct, signed=False)
    torch.testing.assert_close(positive, torch.tensor([[1.0, 0.0]]), rtol=1e-5, atol=1e-6)
    signed = encoder.coefficients(products, direct, signed=True)
    torch.testing.assert_close(signed, torch.tensor([[0.55, -0.4]]) / 0.19, rtol=1e-4, atol=0)


def test_the_residual_of_orthogonal_pursuit_is_orthogonal_to_what_it_took():
    x = torch.randn(50, 12, generator=torch.Generator().manual_seed(5))
    sae = composed("orthogonal_pursuit", "abs_top_k", k=5, d_in=12, width=40)
    code = sae.encode(x)
    assert (code.counts == 5).all()
    left = ((x - sae(x)) @ sae.atoms.mT)[code.row_of_entry, code.indices]
    assert left.abs().max() < 1e-4


@pytest.mark.parametrize("sparsifier", ["top_k", "abs_top_k"])
def test_pursuits_that_move_earlier_strengths_leave_less(sparsifier):
    x = torch.randn(300, 16, generator=torch.Generator().manual_seed(1))
    errors = {}
    for kind in PURSUITS:
        sae = composed(kind, sparsifier, k=8, d_in=16, width=48)
        errors[kind] = (x - sae(x)).square().sum().item()
    assert errors["orthogonal_pursuit"] < errors["gradient_pursuit"] < errors["matching_pursuit"]


@pytest.mark.parametrize("sparsifier", ["top_k", "abs_top_k"])
@pytest.mark.parametrize("kind", ["orthogonal_pursuit", "gradient_pursuit"])
def test_no_atom_is_taken_twice_and_strengths_keep_their_sign(kind, sparsifier):
    x = torch.randn(300, 6, generator=torch.Generator().manual_seed(2))
    sae = composed(kind, sparsifier, k=12, d_in=6, width=20)
    support, pre = sae.encoder.selected(
        x, sae.sparsifier.training_rule(EncoderInput(x)), torch.float32
    )
    within = support.row_of_entry.diff() == 0
    assert (support.indices.diff()[within] > 0).all()
    assert pre.isfinite().all()
    assert sparsifier == "abs_top_k" or (pre > -1e-5).all()


def test_encoding_in_tiles_is_encoding_at_once(monkeypatch):
    x = torch.randn(70, 12, generator=torch.Generator().manual_seed(3))
    sae = composed("gradient_pursuit", "top_k", k=3, d_in=12, width=40)
    whole = sae.encode(x)
    monkeypatch.setattr("sparsetime.dictionaries.encoders.pursuit._TILE_ELEMENTS", 300)
    tiled = sae.encode(x)
    assert torch.equal(whole.indices, tiled.indices)
    assert torch.equal(whole.offsets, tiled.offsets)
    torch.testing.assert_close(whole.values, tiled.values)
    assert sae.encode(x[:0]).indices.numel() == 0


def composed(encoder, sparsifier, k, **sizes):
    return st.compose(encoder=encoder, sparsifier={"kind": sparsifier, "k": k}, **sizes)


@pytest.mark.parametrize("kind", PURSUITS)
def test_strengths_have_the_gradient_of_the_unrolled_loop(kind):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 5, generator=generator)
    atoms = torch.nn.functional.normalize(torch.randn(9, 5, generator=generator), dim=1)
    encoder = PURSUITS[kind](5, 9)
    chosen = encoder.chosen(x, atoms, kernels.AbsTopKRule(3), torch.float32)
    found = []
    for unrolled in (False, True):
        weight = atoms.clone().requires_grad_()
        own = weight[chosen]
        if unrolled:
            strengths = _unrolled(kind, x, own)
        else:
            direct = (own @ x[..., None]).squeeze(2)
            strengths = encoder.coefficients(own @ own.mT, direct, signed=True)
        strengths.sin().sum().backward()
        found.append((strengths.detach(), weight.grad))
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-4)


def _unrolled(kind, x, own):
    """With residuals in the place of products of atoms."""
    strengths = torch.zeros(len(x), 0)
    for turn in range(own.shape[1]):
        taken = own[:, : turn + 1]
        strengths = torch.cat([strengths, torch.zeros(len(x), 1)], 1)
        residual = x - (strengths[:, None] @ taken).squeeze(1)
        gradient = (taken * residual[:, None]).sum(2)
        if kind == "matching_pursuit":
            strengths = torch.cat([strengths[:, :-1], gradient[:, -1:]], 1)
        elif kind == "gradient_pursuit":
            moved = (gradient[:, None] @ taken).squeeze(1)
            step = (residual * moved).sum(1, keepdim=True) / moved.square().sum(1, keepdim=True)
            strengths = strengths + step * gradient
        else:
            strengths = torch.linalg.lstsq(taken.mT, x[..., None]).solution.squeeze(2)
    return strengths


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
    with pytest.raises(ConfigError, match=r"matching pursuit needs to know how many.*'top_k'"):
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
    with pytest.raises(ConfigError, match=r"got width=6, expected a multiple of 2 \* 2"):
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
    support, pre = sae.encoder.selected(x, kernels.TopKRule(3), torch.float32)
    whole = sae.encoder.pre_activations(x)
    assert torch.equal(support.offsets, kernels.select_dense(whole, kernels.TopKRule(3)).offsets)
    torch.testing.assert_close(pre, whole[support.row_of_entry, support.indices])
    largest = whole.topk(3, dim=1).values.clamp_min(0)
    torch.testing.assert_close(
        torch.zeros(10).index_add(0, support.row_of_entry, pre), largest.sum(1)
    )
