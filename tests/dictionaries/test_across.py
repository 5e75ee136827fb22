"""Dictionaries that read one site and write another, or several at once."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.dictionaries.objectives.site_l1 import SiteL1
from sparsetime.errors import ConfigError

SETTINGS = {"rows": 200 * 128, "batch": 128, "learning_rate": 3e-3, "show": False}


def bent(x, d_out=10):
    """A site that follows from x, of other dimensions, elsewhere, and on another scale."""
    weight = torch.randn(x.shape[-1], d_out, generator=torch.Generator().manual_seed(5))
    return 30 * (x @ weight).relu() + 100


def test_a_transcoder_writes_the_other_site(tmp_path):
    x, new = planted(4500).split([4000, 500])
    sae = st.dictionary("transcoder", d_in=16, width=64, d_out=10, k=6)
    run = st.train(sae, {"x": x, "target": bent(x)}, out=tmp_path, **SETTINGS)
    assert run.metrics[-1]["fvu"] < 0.35 < run.metrics[0]["fvu"]
    target = bent(new)
    again = st.load(tmp_path)
    y = again(new)
    assert y.shape == (500, 10) and torch.equal(y, run.dictionary(new))
    spread = (target - target.mean(0)).square().sum()
    assert (y - target).square().sum() < 0.6 * spread
    assert again.to_config()["out_dims"] == [10] and again.atoms.shape == (64, 10)


def test_a_skip_carries_what_is_linear():
    """Without any latent on, a target that is linear in x is fitted by the skip alone."""
    x = planted(2000)
    weight = torch.randn(16, 10, generator=torch.Generator().manual_seed(5))
    batch = Batch(x, target=x @ weight + 3)
    sae = st.dictionary("skip_transcoder", d_in=16, width=64, d_out=10, k=1)
    init_from_data(sae, batch)
    seen = sae.centred(sae.normalisation.normalise(x))
    scale, out = sae.normalisation.scale, sae.output_normalisation.scale
    with torch.no_grad():
        sae.skip.weight.copy_((weight * scale / out).T)
        sae.encoder.bias.fill_(-100.0)  # nothing is on
        sae.decoder.bias.copy_(((sae.offset * scale) @ weight + 3) / out)
    step = sae.forward_train(batch)
    assert step.support.indices.numel() == 0
    torch.testing.assert_close(step.nested[-1] * out, batch.target, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(sae(x), batch.target, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(
        sae.reconstruct(sae.encode(x), x) - sae.decode(sae.encode(x)),
        sae.skip.predict(seen) * out,
        rtol=1e-4,
        atol=1e-3,
    )


def test_every_site_has_a_scale_of_its_own():
    x = torch.cat([torch.randn(400, 3) * 100 + 7, torch.randn(400, 5) / 50], 1)
    normalisation = Normalisation((3, 5))
    normalisation.fit(x)
    scaled = normalisation.normalise(x)
    shares = (scaled - scaled.mean(0)).square().mean(0)
    torch.testing.assert_close(shares[:3].sum(), torch.tensor(0.5))
    torch.testing.assert_close(shares[3:].sum(), torch.tensor(0.5))
    torch.testing.assert_close(normalisation.restore(scaled), x)


def test_atoms_of_two_sites_cost_more_than_atoms_of_one():
    sae = st.compose(
        d_in=(2, 2), width=2, sparsifier="relu", objective=["mse", SiteL1(1.0)], decoder="unit_norm"
    )
    with torch.no_grad():
        sae.decoder.weight.copy_(torch.tensor([[0.6, 0.8, 0.0, 0.0], [0.6, 0.0, 0.8, 0.0]]))
        sae.encoder.weight.copy_(torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]))
    step = sae.forward_train(torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]]))
    # (2 * 1 + 3 * (0.6 + 0.8)) over two rows.
    assert SiteL1(1.0).loss(step).item() == pytest.approx((2 + 3 * 1.4) / 2)


def test_a_crosscoder_finds_what_sites_share(tmp_path):
    """Two sites that hold the same features turned: one code gives both back."""
    x = planted(4000, d=8, features=16)
    turn = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(2)))[0]
    both = torch.cat([x, 50 * (x @ turn)], 1)
    sae = st.dictionary("crosscoder", d_in=16, width=48, sites=2, l1=0.02)
    run = st.train(sae, both, out=tmp_path, **SETTINGS)
    assert run.metrics[-1]["fvu"] < 0.3
    y = st.load(tmp_path)(both[:300])
    for part in (slice(0, 8), slice(8, 16)):
        wanted = both[:300, part]
        assert (y[:, part] - wanted).square().sum() < 0.4 * (wanted - wanted.mean(0)).square().sum()


def three_sites(rows):
    """What goes into three modules of four dimensions, and what comes out of them.

    What the second puts out follows from what went into the first, and so on.
    """
    x = planted(rows, d=12)
    first, second, third = x.split(4, dim=1)
    return x, torch.cat([first.relu(), 20 * (first + second).relu(), (first * third).tanh()], 1)


@pytest.fixture(scope="module")
def across_layers(tmp_path_factory):
    x, target = three_sites(4000)
    sae = st.dictionary("cross_layer_transcoder", d_in=12, width=96, sites=3, k=8)
    out = tmp_path_factory.mktemp("across") / "run"
    return st.train(sae, {"x": x, "target": target}, out=out, **SETTINGS)


def test_a_latent_reads_its_site_and_writes_onward(across_layers):
    assert across_layers.metrics[-1]["fvu"] < 0.5 < across_layers.metrics[0]["fvu"]
    atoms = st.load(across_layers.path).atoms.reshape(3, 32, 3, 4)
    lengths = atoms.norm(dim=3).mean(1)  # of a share's latents, by site
    assert torch.equal(lengths == 0, torch.ones(3, 3).tril(-1).bool())
    torch.testing.assert_close(atoms.flatten(2).norm(dim=2), torch.ones(3, 32))
    assert lengths[0, 1] > 0.1  # the first site also speaks to the second


def test_what_later_sites_hold_changes_nothing_before_them(across_layers):
    """So a replaced model can be run layer after layer."""
    sae, (x, _) = across_layers.dictionary, three_sites(300)
    other = x.clone()
    other[:, 8:] = 0
    y, changed = sae(x), sae(other)
    torch.testing.assert_close(y[:, :8], changed[:, :8])
    assert not torch.allclose(y[:, 8:], changed[:, 8:])
    first = sae.encode(x).dense()[:, :64]
    torch.testing.assert_close(first, sae.encode(other).dense()[:, :64])


def test_a_latent_of_one_site_is_its_dot_product():
    sae = st.dictionary("cross_layer_transcoder", d_in=12, width=96, sites=3, k=8)
    x = planted(50, d=12)
    with torch.no_grad():
        found = sae.encoder.pre_activations(x)
        for site in range(3):
            own = slice(32 * site, 32 * (site + 1))
            by_hand = x[:, 4 * site : 4 * (site + 1)] @ sae.encoder.weight[own].T
            torch.testing.assert_close(found[:, own], by_hand)


def test_sites_of_a_cross_layer_transcoder_must_fit():
    with pytest.raises(
        ConfigError, match="got d_in 16 and 3 sites, expected d_in to be a multiple of the number"
    ):
        st.dictionary("cross_layer_transcoder", d_in=16, width=36, sites=3)
    with pytest.raises(ConfigError, match="got width 32 and 3 sites, expected"):
        st.dictionary("cross_layer_transcoder", d_in=12, width=32, sites=3)
    with pytest.raises(
        ConfigError, match="got an encoder of 2 sites and a decoder of 4, expected the same number"
    ):
        st.compose(
            d_in=16,
            width=32,
            encoder={"kind": "one_site", "sites": 2},
            sparsifier={"kind": "top_k", "k": 2},
            decoder={"kind": "onward", "sites": 4},
        )


def test_sites_of_a_crosscoder_must_fit():
    with pytest.raises(
        ConfigError, match="got d_in=16 and sites=3, expected d_in to be the joint dimension"
    ):
        st.dictionary("crosscoder", d_in=16, width=32, sites=3)
