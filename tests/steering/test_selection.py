"""Scores of features, and directions found by descent in code space or by supervision."""

import numpy as np
import pytest
import torch
from steered_models import SITES, language_model, small_dictionary

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.steering import code_descent, decoded_change, feature_scores, supervised_direction
from sparsetime.steering.supervised_direction import discriminating_features

SITE = SITES[0]
TOKENS = torch.tensor([[7, 3, 9, 0, 1, 2, 3, 6], [2, 6, 0, 1, 2, 9, 3, 7]] * 4)


@pytest.fixture(scope="module")
def model():
    return language_model()


@pytest.fixture(scope="module")
def sae():
    return small_dictionary("topk", 1, 0.1, k=12)


def test_an_output_score_is_the_probability_of_what_the_atom_writes(model, sae):
    prompts = TOKENS[:2]
    made = feature_scores(
        model, {SITE: sae}, TOKENS, [3, 8], prompts=prompts, dose=2.0, top=3, moments=4,
        window=8, windows=8, progress=False,
    )  # fmt: skip
    head = model.model.get_output_embeddings().weight.detach()
    logits = sae.atoms[3].detach() @ head.T
    assert set(made.written[0].tolist()) == set(logits.topk(3).indices.tolist())
    strength = 2.0 * 0.1 / float(sae.atoms[3].detach().norm() * 0.1)
    run = st.steer(
        model, {SITE: sae}, {SITE: {3: strength}}, span=st.spans.last(1), units="activation"
    )
    after = run.read(prompts).logits[:, -1]
    own = torch.from_numpy(made.written[0])
    rank = (after[:, None] > after[:, own, None]).sum(-1)
    expected = ((1 - rank / after.shape[1]) * after.softmax(-1)[:, own]).mean(0).max()
    assert made.output[0] == pytest.approx(float(expected), rel=1e-5)


def test_an_input_score_is_the_share_of_top_tokens_that_are_written(model, sae):
    made = feature_scores(
        model, {SITE: sae}, TOKENS, prompts=["<us"], top=5, moments=6, window=8, windows=8,
        progress=False,
    )  # fmt: skip
    from sparsetime.models.hooks import recording

    with torch.no_grad(), recording(model.model, SITE) as activations:
        model.model(TOKENS)
    dense = sae.encode(activations[SITE].flatten(0, 1)).dense()
    for place, feature in enumerate(made.features.tolist()):
        values = dense[:, feature].numpy()
        top = np.argsort(-values, kind="stable")[:6]
        tokens = TOKENS.flatten()[torch.from_numpy(top.copy())].numpy()
        assert made.input[place] == np.isin(tokens, made.written[place]).mean()
        assert made.density[place] == pytest.approx((values > 0).mean())
    high = made.above(0.5)
    assert len(high) == round(len(made.features) / 2)
    with pytest.raises(ConfigError, match="got share=1"):
        made.above(1)
    with pytest.raises(ConfigError, match="got feature 40, expected 0 to 31"):
        feature_scores(model, {SITE: sae}, "A", [40], prompts=["<us"], window=8, progress=False)
    with pytest.raises(ConfigError, match="got dose=0"):
        feature_scores(model, {SITE: sae}, TOKENS, prompts=["<us"], dose=0)


def test_descent_moves_a_code_towards_its_nearest_examples():
    target = torch.tensor([[2.0, 0, 0, 1], [2, 0, 0, 1], [0, 9, 0, 0]])
    before = torch.tensor([[1.0, 0, 0.5, 0]])
    after = code_descent(before, target, nearest=2, steps=1, rate=0.5)
    assert after.tolist() == [[1.5, 0, 0.25, 0.5]]
    far = code_descent(before, target, nearest=2, steps=200, rate=0.5)
    assert torch.allclose(far, target[:1], atol=1e-6)
    with pytest.raises(ConfigError, match="got steps=20, rate=2 and nearest=2"):
        code_descent(before, target, nearest=2, rate=2)
    with pytest.raises(MismatchError, match="codes of width 4 and examples of width 3"):
        code_descent(before, target[:, :3])


def test_a_decoded_change_is_the_difference_of_decoded_codes(sae):
    x = torch.randn(6, 16, generator=seeds.torch_generator(3, "random inputs"))
    code, other = sae.encode(x), sae.encode(x.flip(0))
    change = decoded_change(sae, code.dense(), other.dense())
    assert torch.allclose(change, sae.decode(other) - sae.decode(code), atol=1e-6)


def test_features_that_tell_texts_apart_are_few():
    codes = np.abs(seeds.numpy_generator(0, "random inputs").standard_normal((60, 12)))
    is_target = np.arange(60) % 2 == 0
    codes[is_target, 5] += 3
    features, weights = discriminating_features(codes, is_target, 3)
    assert 5 in features and len(features) <= 3
    assert weights[features.tolist().index(5)] > 0
    graded = codes + is_target[:, None] * np.linspace(0, 2, 12)
    counts = [len(discriminating_features(graded, is_target, count)[0]) for count in (3, 6)]
    assert 2 <= counts[0] <= 3 and 5 <= counts[1] <= 6
    with pytest.raises(DataError, match="got texts of one kind"):
        discriminating_features(codes, is_target | True, 3)
    with pytest.raises(ConfigError, match="got count=0"):
        discriminating_features(codes, is_target, 0)


def test_a_supervised_direction_raises_the_likelihood_of_its_target(model, sae):
    rng = seeds.numpy_generator(1, "random inputs")
    codes = np.abs(rng.standard_normal((40, 32)))
    is_target = np.arange(40) < 20
    codes[is_target, 3] += 2
    codes[~is_target, 8] += 2
    batches = ([TOKENS[::2]], [TOKENS[1::2]])
    made = supervised_direction(
        model, SITE, sae, codes, is_target, batches, count=6, steps=12, dose=5.0
    )
    assert set(made.features.tolist()) >= {3, 8}
    assert made.losses[-1] < made.losses[0]
    assert float(made.direction.norm()) == pytest.approx(0.5, rel=1e-4)
    atoms = sae.atoms.detach()[torch.from_numpy(made.features)]
    cosine = torch.cosine_similarity(made.weights @ atoms, made.direction, dim=0)
    assert float(cosine) == pytest.approx(1, abs=1e-5)
    assert all(parameter.grad is None for parameter in model.model.parameters())
    with pytest.raises(ConfigError, match=r"got steps=8, rate=0.2, dose=0.5 and \[0, 1\] batches"):
        supervised_direction(model, SITE, sae, codes, is_target, ([], batches[1]))
