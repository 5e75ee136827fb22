"""Path patching: direct effects against passes by hand, and paths through a head."""

import pytest
import torch
from tiny_transcoders import TOKENS, opt_model

from sparsetime.circuits import head_effects, logit_difference, path_effects
from sparsetime.errors import ConfigError, UnknownNameError

OTHER = [3, 9, 4, 8, 3, 5, 6, 3]
METRIC = logit_difference(5, 9)
LAST = "model.decoder.layers.1.self_attn"


@pytest.fixture(scope="module")
def model():
    return opt_model()


def by_head(effects):
    return {(r["site"], r["latent"]): r["effect"] for r in effects.table.to_pylist()}


def test_heads_of_the_last_layer_have_direct_effects_alone(model):
    direct = by_head(path_effects(model, TOKENS, OTHER, METRIC, method="patch"))
    whole = by_head(head_effects(model, TOKENS, OTHER, METRIC, method="patch"))
    for number in range(4):
        assert direct[LAST, number] == pytest.approx(whole[LAST, number], abs=1e-5)
    early = [key for key in whole if key[0] != LAST]
    assert max(abs(direct[key] - whole[key]) for key in early) > 1e-4


def test_the_gradient_estimates_what_patching_measures(model):
    estimated, measured = (
        by_head(path_effects(model, TOKENS, OTHER, METRIC, method=method))
        for method in ("gradient", "patch")
    )
    pairs = torch.tensor([[estimated[key], measured[key]] for key in sorted(measured)])
    assert float(torch.corrcoef(pairs.T)[0, 1]) > 0.9


def test_paths_through_all_later_heads_and_direct_ones_are_all_paths(model):
    direct = by_head(path_effects(model, TOKENS, OTHER, METRIC))
    through = by_head(path_effects(model, TOKENS, OTHER, METRIC, through={LAST: [0, 1, 2, 3]}))
    whole = by_head(head_effects(model, TOKENS, OTHER, METRIC))
    for key in whole:
        assert direct[key] + through[key] == pytest.approx(whole[key], abs=1e-5)
    assert all(abs(through[LAST, number]) < 1e-6 for number in range(4))


def test_what_does_not_fit_is_refused(model):
    with pytest.raises(UnknownNameError, match=r"unknown attention module 'layers\.7'"):
        path_effects(model, TOKENS, OTHER, METRIC, through={"layers.7": [0]})
    with pytest.raises(ConfigError, match=r"got head 4 of .* expected 0 to 3"):
        path_effects(model, TOKENS, OTHER, METRIC, through={LAST: [4]})
    with pytest.raises(ConfigError, match="got method='exact'"):
        path_effects(model, TOKENS, OTHER, METRIC, method="exact")
