"""Absorption in dictionaries that are built to absorb, or not to."""

import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError, DataError
from sparsetime.metrics.absorption import absorption, fit_concept_probe, main_latents

PARENT, CHILD = 0, 1


def rows(count=900, seed=0):
    """A concept along the first axis; in a third of its rows also a child, along the second."""
    generator = torch.Generator().manual_seed(seed)
    kind = torch.arange(count) % 6
    concept, child = kind < 3, kind == 0
    x = torch.zeros(count, 4)
    x[:, 0], x[:, 1] = concept.float(), child.float()
    x[:, 2] = (kind == 4).float()
    return x + 0.01 * torch.randn(count, 4, generator=generator), concept


def dictionary(absorbs):
    """The parent's latent falls silent beside the child's, which then writes both; or not."""
    sae = st.compose(
        d_in=4, width=3, sparsifier="relu", objective=["mse", {"kind": "l1", "weight": 0.1}]
    )
    child = torch.tensor([1.0, 1.0, 0.0, 0.0]) if absorbs else torch.tensor([0.0, 1.0, 0.0, 0.0])
    parent = torch.tensor([1.0, -1.2, 0.0, 0.0]) if absorbs else torch.tensor([1.0, 0.0, 0.0, 0.0])
    with torch.no_grad():
        sae.decoder.weight.copy_(torch.eye(4)[:3])
        sae.decoder.weight[CHILD] = child / child.norm()
        sae.encoder.weight.copy_(torch.eye(4)[:3])
        sae.encoder.weight[PARENT] = parent
        sae.encoder.weight[CHILD, 1] = child.norm()
        sae.encoder.bias.fill_(-0.2)
    return sae


@pytest.mark.parametrize(("absorbs", "rate"), [(True, 1 / 3), (False, 0.0)])
def test_the_rate_is_the_share_of_rows_that_a_child_takes_over(absorbs, rate):
    x, concept = rows()
    sae, probe = dictionary(absorbs), fit_concept_probe(x, concept)
    assert main_latents(sae, x, concept, most=1) == (PARENT,)
    found = absorption(sae, probe, (PARENT,), *rows(seed=1))
    assert found.rate == pytest.approx(rate, abs=1e-6)
    assert found.silent == pytest.approx(rate, abs=1e-6)
    assert found.rows == 450
    assert found.main == (PARENT,)


def test_a_child_among_the_main_latents_absorbs_nothing():
    x, concept = rows()
    sae, probe = dictionary(True), fit_concept_probe(x, concept)
    main = main_latents(sae, x, concept)
    assert set(main) == {PARENT, CHILD}
    assert absorption(sae, probe, main, x, concept).rate == 0


def test_a_latent_that_carries_little_does_not_count():
    x, concept = rows()
    sae, probe = dictionary(True), fit_concept_probe(x, concept)
    assert absorption(sae, probe, (PARENT,), x, concept, share=0.9).rate == 0
    silent = absorption(sae, probe, (PARENT,), x, concept, alike=0.99)
    assert (silent.rate, silent.silent) == (0, pytest.approx(1 / 3))


def test_the_probe_points_along_the_concept():
    x, concept = rows()
    probe = fit_concept_probe(x, concept)
    assert probe.direction.norm().item() == pytest.approx(1, rel=1e-5)
    assert probe.direction[0] > 0.9
    assert torch.equal(probe.sees(x), concept)
    assert abs(probe.mean - float((x[~concept] @ probe.direction).mean())) < 1e-6


def test_what_cannot_be_measured_is_refused():
    x, concept = rows(60)
    nobody = torch.zeros(60, dtype=torch.bool)
    with pytest.raises(DataError, match="0 of 60 rows have the concept; a probe needs rows"):
        fit_concept_probe(x, nobody)
    with pytest.raises(DataError, match="0 of 60 rows have the concept"):
        main_latents(dictionary(True), x, nobody)
    with pytest.raises(
        ConfigError, match=r"got gain=0\.03 and most=0, expected .* `most` of at least 1"
    ):
        main_latents(dictionary(True), x, concept, most=0)
    probe = fit_concept_probe(x, concept)
    with pytest.raises(DataError, match="sees the concept on none of the 30 rows"):
        absorption(dictionary(True), probe, (PARENT,), x, ~concept)
