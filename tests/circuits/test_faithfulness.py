"""Faithfulness: all nodes give the whole metric, none gives that of the other input."""

import pytest
from tiny_transcoders import LAYERS, TOKENS, opt_model, random_dictionary

from sparsetime.circuits import faithfulness, logit_difference
from sparsetime.errors import ConfigError, DataError

OTHER = [3, 9, 4, 8, 3, 5, 6, 3]
METRIC = logit_difference(5, 9)


@pytest.fixture(scope="module")
def model():
    return opt_model()


@pytest.fixture(scope="module")
def sae():
    return random_dictionary("topk", d_in=32, width=64, k=6)


@pytest.mark.parametrize("basis", ["latents", "dimensions"])
def test_all_nodes_recover_everything(model, sae, basis):
    sites = dict.fromkeys(LAYERS, sae if basis == "latents" else None)
    found = faithfulness(model, sites, TOKENS, OTHER, METRIC, (1, 10_000), method="gradient")
    assert found.recovered[1] == pytest.approx(1, abs=1e-3)
    assert found.recovered[0] < 0.99
    assert found.candidates == len(found.effects.table)


def test_errors_may_be_held(model, sae):
    found = faithfulness(model, {LAYERS[1]: sae}, TOKENS, OTHER, METRIC, (10_000,), errors=False)
    assert found.candidates < len(found.effects.table)
    assert abs(found.recovered[0] - 1) > 0.01


def test_what_does_not_fit_is_refused(model, sae):
    with pytest.raises(ConfigError, match=r"got sizes=\[0\], expected numbers of nodes from 1"):
        faithfulness(model, {LAYERS[0]: sae}, TOKENS, OTHER, METRIC, (0,))
    with pytest.raises(DataError, match="on both inputs, expected two that differ"):
        faithfulness(model, {LAYERS[0]: sae}, TOKENS, TOKENS, METRIC)
