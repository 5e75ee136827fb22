"""The losses of T-SAE on input whose answer is known, and on planted slow features."""

import pytest
import torch
from made_passes import made_pass
from planted import planted
from torch.nn import functional

import sparsetime as st
from sparsetime import seeds
from sparsetime.activations.sampling.batch import Batch
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, NestedMSE, Objective, TemporalDifference
from sparsetime.dictionaries.sparsifiers import TopK
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


def identity(sparsifier, groups):
    """A dictionary of three latents whose atoms and encoder are the axes."""
    atoms = UnitNormDecoder(3, 3, groups)
    sae = Dictionary(LinearEncoder(3, 3), sparsifier, atoms, Objective([MSE()]))
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(3))
        sae.decoder.weight.copy_(torch.eye(3))
    return sae


def step_of(now, before, x, earlier):
    """A step with these codes, whose first two latents are high-level, of these activations."""
    code, partner = SparseCode.from_dense(now), SparseCode.from_dense(before)
    support = Support(code.offsets, code.indices, 3)
    sae = identity(TopK(1), groups=(2, 3))
    values = code.values.requires_grad_()
    return made_pass(sae, x, support, values, values, partner, batch=Batch(x, earlier=earlier))


def test_difference_by_hand():
    now = torch.tensor([[1.0, 0.0, 5.0], [2.0, 3.0, 0.0], [0.0, 0.0, 1.0]])
    before = torch.tensor([[0.0, 4.0, 1.0], [2.0, 1.0, 7.0], [0.5, 0.0, 0.0]])
    x = torch.tensor([[1.0, 0.0, 0.0]]).expand(3, 3)
    earlier = torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 2.0, 0.0]])
    step = step_of(now, before, x, earlier)
    # Differences of the first two latents 5, 2 and 0.5, for rows whose cosines are 1, 0.707 and 0.
    loss = TemporalDifference().loss(step)
    assert loss.item() == pytest.approx((5 + 2 * 0.5**0.5) / 3, rel=1e-5)
    loss.backward()
    wanted = torch.tensor([1, 0, 0, 0.5**0.5, 0]) / 3
    torch.testing.assert_close(step.values.grad, wanted, rtol=1e-5, atol=1e-6)


def test_no_difference_between_equal_codes():
    now = torch.tensor([[1.0, 2.0, 5.0]])
    x = torch.ones(1, 3)
    assert TemporalDifference().loss(step_of(now, now.clone(), x, x)) == 0


def test_shares_weigh_the_prefixes():
    sae = identity(TopK(3), groups=(1, 3))
    step = sae.forward_train(torch.tensor([[1.0, 2.0, 2.0]]))
    # The first latent alone leaves 8 unexplained, all together nothing.
    assert NestedMSE().loss(step).item() == pytest.approx(4.0)
    assert NestedMSE(shares=[0.25, 0.75]).loss(step).item() == pytest.approx(2.0)


@pytest.mark.parametrize("shares", [[0.5, 0.6], [0.0, 1.0], []])
def test_shares_add_up(shares):
    with pytest.raises(
        ConfigError, match=r"expected a positive weight for each prefix, with a sum"
    ):
        NestedMSE(shares=shares)


def test_every_group_has_a_share():
    with pytest.raises(
        ConfigError, match=r"got 3 shares of 'nested_mse' and 2 groups of the decoder"
    ):
        st.compose(
            d_in=6,
            width=24,
            sparsifier={"kind": "top_k", "k": 4},
            decoder={"kind": "unit_norm", "groups": [4, 24]},
            objective={"kind": "nested_mse", "shares": [0.2, 0.3, 0.5]},
        )


def test_tsae_without_a_look_at_time_is_refused():
    with pytest.raises(ConfigError, match=r"expected one above 0: .* 'matryoshka_batch_topk'"):
        st.dictionary("temporal_matryoshka", d_in=6, width=24, contrastive_weight=0.0)


def test_both_losses_can_stand_together():
    sae = st.dictionary("temporal_matryoshka", d_in=16, width=64, k=4, difference_weight=0.01)
    kinds = [term.kind for term in sae.objective.members]
    assert kinds == ["nested_mse", "temporal_contrastive", "temporal_difference", "aux_k"]


def one_slow_among_fast(seed):
    """[80, 100, 16]: one of 6 slow features, another every fiftieth step, and about 2 of 40 fast.

    The slow features fit into the high-level group and one is active on every row, so that no row
    has a reason to be without a high-level latent.
    """
    generator = seeds.torch_generator(seed, "planted atoms", "slow")
    slow = functional.normalize(torch.randn(6, 16, generator=generator), dim=1)
    turns = torch.randint(6, (160,), generator=seeds.torch_generator(seed, "planted codes", "slow"))
    x = planted(8000, seed=seed) + 1.5 * slow[turns].repeat_interleave(50, 0)
    return x.reshape(80, 100, 16)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("lag", [1, (1, 8)], ids=["adjacent", "random earlier"])
def test_the_contrast_makes_neighbours_alike(tmp_path, lag, seed):
    """On all rows, where a row without a high-level latent counts as unlike; and on the others."""
    x = one_slow_among_fast(seed)
    alike, alike_where_active = {}, {}
    for weight in (1e-9, 0.3):
        sae = st.dictionary(
            "temporal_matryoshka",
            d_in=16,
            width=64,
            k=4,
            contrastive_weight=weight,
            contrast_block=64,
            seed=seed,
        )
        out = tmp_path / str(weight)
        st.train(sae, x, out=out, rows=25_600, batch=128, lag=lag, learning_rate=3e-3, show=False)
        high = sae.encode(x).prefix(sae.groups[0]).dense()
        cosines = torch.cosine_similarity(high[:, 1:], high[:, :-1], dim=2)
        active = high.any(2)
        alike[weight] = cosines.mean()
        alike_where_active[weight] = cosines[active[:, 1:] & active[:, :-1]].mean()
    assert alike[0.3] > alike[1e-9] + 0.01
    assert alike_where_active[0.3] > alike_where_active[1e-9] + 0.1
