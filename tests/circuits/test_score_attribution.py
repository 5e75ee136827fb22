"""QK attribution: the known pair makes the induction head attend, and pairs sum to the score."""

import numpy as np
import pytest
import torch
from tiny_transcoders import LAYERS, TOKENS, opt_model, random_dictionary

from sparsetime.circuits import score_attribution
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.testbeds.compiled.build import compiled_model

ATTENTION = "model.decoder.layers.1.self_attn"


@pytest.fixture(scope="module")
def model():
    return opt_model()


@pytest.fixture(scope="module")
def sae():
    return random_dictionary("topk", d_in=32, width=64, k=6)


def test_the_induction_head_attends_by_equal_tokens():
    bed = compiled_model("induction")
    tokens = torch.tensor([0, 3, 5, 2, 3])
    found = score_attribution(
        bed.model, bed.oracle_dictionary(), tokens, "layers.1.heads.1", 0,
        query=4, key=2, site="layers.0",
    )  # fmt: skip
    first = found.table().to_pylist()[0]
    assert bed.features[first["query"]] == "token=3"
    assert bed.features[first["key"]] == "previous=3"
    assert first["contribution"] == pytest.approx(found.score, rel=0.2)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_pairs_sum_to_the_score(model, sae, implementation):
    model.set_attn_implementation(implementation)
    found = score_attribution(model, sae, TOKENS, ATTENTION, 1, query=6, key=2, site=LAYERS[0])
    assert found.query_latents[-2:] == [-1, -2]
    assert float(found.pairs.sum()) == pytest.approx(found.score, rel=1e-4)
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor([TOKENS]), output_hidden_states=True)
    layer = model.get_submodule("model.decoder.layers.1")
    x = layer.self_attn_layer_norm(hidden.hidden_states[1])[0]
    size = layer.self_attn.head_dim
    query, key = layer.self_attn.q_proj(x)[6], layer.self_attn.k_proj(x)[2]
    score = (query[size : 2 * size] @ key[size : 2 * size]) / np.sqrt(size)
    assert found.score == pytest.approx(float(score.detach()), rel=1e-4)


def test_a_site_before_an_mlp_is_refused(model, sae):
    with pytest.raises(
        DataError, match=r"is not bilinear in 'model\.decoder\.layers\.0\.self_attn"
    ):
        score_attribution(
            model, sae, TOKENS, ATTENTION, 0, query=6, key=2,
            site="model.decoder.layers.0.self_attn.out_proj",
        )  # fmt: skip


def test_what_does_not_fit_is_refused(model, sae):
    with pytest.raises(ConfigError, match="got query=2 and key=2 in 8 tokens"):
        score_attribution(model, sae, TOKENS, ATTENTION, 0, query=2, key=2, site=LAYERS[0])
    with pytest.raises(ConfigError, match=r"got head 9 of 'model\.decoder\.layers\.1\.self_attn'"):
        score_attribution(model, sae, TOKENS, ATTENTION, 9, query=2, key=1, site=LAYERS[0])
    with pytest.raises(UnknownNameError, match="attention module"):
        score_attribution(model, sae, TOKENS, "layers.9", 0, query=2, key=1, site=LAYERS[0])
    with pytest.raises(DataError, match="does not depend on the site"):
        score_attribution(model, sae, TOKENS, ATTENTION, 0, query=2, key=1, site=LAYERS[1])
