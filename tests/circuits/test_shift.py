"""SHIFT: ablating a planted spurious feature makes a classifier right in every group."""

import numpy as np
import pytest
import torch

from sparsetime import seeds
from sparsetime.circuits import classifier_effects, latents_of_label, shift
from sparsetime.errors import ConfigError, DataError
from sparsetime.testbeds.compiled.build import compiled_model

D = 16


@pytest.fixture(scope="module")
def sae():
    return compiled_model("induction").oracle_dictionary()


@pytest.fixture(scope="module")
def planted(sae):
    """Latent 0 is weak and of the label; latent 1 is strong and of a spurious property."""
    rng = seeds.torch_generator(0, "planted codes")
    label, spurious = torch.rand(2, 4000, generator=rng) < 0.5
    noise = torch.rand(4000, sae.width, generator=rng)
    code = torch.where(noise > 0.7, noise, 0.0)
    code[:, 0] = label + 0.4 * torch.rand(4000, generator=rng)
    code[:, 1] = 4.0 * spurious + 0.4 * torch.rand(4000, generator=rng)
    return code @ sae.atoms.detach(), label.numpy(), spurious.numpy()


def split(planted):
    x, label, spurious = planted
    train = np.flatnonzero((label == spurious) & (np.arange(4000) < 2000))
    test = np.arange(2000, 4000)
    groups = [f"{a} {b}" for a, b in zip(label[test], spurious[test], strict=True)]
    return x[train], label[train], x[test], label[test], groups


def test_ablating_the_spurious_latent_raises_the_worst_group(sae, planted):
    found = shift(sae, *split(planted), [1])
    assert found.trained.worst < found.retrained.worst
    assert found.retrained.worst > 0.95
    assert set(found.trained.by_group) == {"True True", "True False", "False True", "False False"}
    nothing = shift(sae, *split(planted), [])
    assert nothing.with_ablation == nothing.trained


def test_the_spurious_latent_has_an_effect_and_goes_with_its_label(sae, planted):
    x, label, *_ = split(planted)
    effects = classifier_effects(sae, x, label)
    assert set(np.argsort(-np.abs(effects))[:2].tolist()) == {0, 1}
    chosen = latents_of_label(sae, planted[0], planted[2], [0, 1, 2], least=0.5)
    assert chosen.tolist() == [1]


def test_what_does_not_fit_is_refused(sae, planted):
    x, label, test, test_label, groups = split(planted)
    with pytest.raises(ConfigError, match="got latent 999 to ablate, expected 0 to"):
        shift(sae, x, label, test, test_label, groups, [999])
    with pytest.raises(DataError, match="got training labels of one class"):
        shift(sae, x, np.ones(len(x), dtype=bool), test, test_label, groups, [0])
