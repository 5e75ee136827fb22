"""The protocol of steering in one call: which arms, what chooses, what judges, what is refused."""

import json

import numpy as np
import pytest
import torch
from steered_models import SITES, Letters, language_model, small_dictionary

import sparsetime as st
from sparsetime.activations.step_exclusion import EXCLUDED, StepExclusion
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.hooks import recording
from sparsetime.steering.arms.example_rows import example_rows
from sparsetime.steering.arms.judge_steering import judge_steering
from sparsetime.steering.arms.word_judge import WordJudge, distinct_words
from sparsetime.steering.prompts import tokens_of

SITE = SITES[0]
PROMPTS = ["<us", "B<u", "ABC", "CBA", "AAB", "BBA"]
TARGET = [f"{a}{b}XYZ" for a in "ABC" for b in "DEF"]
OTHER = [f"{a}{b}GHI" for a in "ABC" for b in "DEF"]


@pytest.fixture(scope="module")
def model():
    return language_model()


@pytest.fixture(scope="module")
def sae():
    return small_dictionary("topk", 1, 0.1, k=12)


def judged(model, sae, target=TARGET, other=OTHER, prompts=PROMPTS, **settings):
    settings = {
        "doses": (1.0,),
        "limit": 50.0,
        "steps": 4,
        "nulls": 2,
        "words": ["A", "B"],
        **settings,
    }
    return judge_steering(model, {SITE: sae}, prompts, target, other, **settings)


def test_every_arm_of_the_protocol_is_there(model, sae, tmp_path):
    made = judged(model, sae, instruction="A")
    assert list(made.scores) == [
        "plain", "reconstruction", "features", "mean difference", "probe", "gradient", "prompt",
        "random 1", "random 2",
    ]  # fmt: skip
    (feature,) = made.about["features"]
    codes = [example_rows(model, SITE, sae, texts[::2]).codes for texts in (TARGET, OTHER)]
    assert codes[0].mean(0)[int(feature)] > codes[1].mean(0)[int(feature)]
    assert made.about["prompts"] == PROMPTS[1::2]
    assert made.save(tmp_path) == feature
    record = json.loads((tmp_path / "judged" / f"{feature}.json").read_text())
    assert [arm["null_of"] for arm in record["arms"][-2:]] == ["features", "features"]
    assert len(record["arms"][0]["texts"]) == 3


@pytest.mark.parametrize("kind", ["transcoder", "neurons"])
def test_what_reads_another_site_is_judged(model, kind):
    mlp = f"{SITE}.mlp"
    given = {mlp: small_dictionary("skip_transcoder", 1, 0.3, d_out=16, k=12)}
    if kind == "neurons":
        given = {mlp: st.neurons(model, mlp)}
    made = judge_steering(
        model, given, PROMPTS, TARGET, OTHER, doses=(1.0,), limit=50.0, steps=4, nulls=1,
        words=["A", "B"],
    )  # fmt: skip
    assert {"reconstruction", "features", "mean difference", "random 1"} < set(made.scores)
    (feature,) = map(int, made.about["features"])
    # Examples are encoded where the dictionary reads, and their means taken where it writes.
    with recording(model.model, [f"{mlp}:input", mlp]) as read:
        model.model(input_ids=tokens_of("BCDE", model))
    rows = example_rows(model, mlp, given[mlp], ["BCDE"], f"{mlp}:input")
    code = given[mlp].encode(read[f"{mlp}:input"][0]).dense().mean(0)
    np.testing.assert_allclose(rows.codes[0], code.numpy(), atol=1e-5)
    torch.testing.assert_close(rows.rows[0], read[mlp][0].mean(0))
    means = [example_rows(model, mlp, given[mlp], texts[::2], f"{mlp}:input").codes.mean(0)
             for texts in (TARGET, OTHER)]  # fmt: skip
    assert means[0][feature] > means[1][feature]
    if kind == "neurons":  # which reconstruct their layer
        assert made.scores["reconstruction"].texts == made.scores["plain"].texts


def test_several_sites_are_refused(model, sae):
    given = dict.fromkeys(SITES, sae)
    with pytest.raises(ConfigError, match="got 2 sites, expected one: the difference of means"):
        judge_steering(model, given, PROMPTS, TARGET, OTHER)


@pytest.mark.parametrize("by", ["first", "tokens", "norm"])
def test_steps_that_a_dictionary_was_not_trained_on_are_no_example(model, by):
    sae, tokens = small_dictionary("topk", 1, 0.1, k=12), tokens_of("BCDE", model)
    every = example_rows(model, SITE, sae, ["BCDE"]).rows
    with recording(model.model, [SITE]) as read:
        model.model(input_ids=tokens)
    x = read[SITE].detach().reshape(4, -1)
    longest = float(x.double().norm(dim=1).max())
    exclusion = {
        "first": StepExclusion(first=2),
        "tokens": StepExclusion(tokens=(int(tokens[0, 1]),)),
        "norm": StepExclusion(norm_above=2.0, norm_limit=0.999 * longest),
    }[by]
    sae.provenance = {EXCLUDED: exclusion.to_config()}
    rows = example_rows(model, SITE, sae, ["BCDE"]).rows
    torch.testing.assert_close(rows[0], x[exclusion.kept(x, tokens[0])].mean(0))
    assert not torch.allclose(rows, every)


def test_features_and_words_need_no_examples(model, sae):
    made = judged(model, sae, (), (), features=[3], nulls=1)
    assert list(made.scores) == ["plain", "reconstruction", "features", "gradient", "random 1"]
    assert judged(model, sae, (), (), features=[3], nulls=0, words=["ab"]).nulls == {}


def test_weights_of_words_are_log_odds():
    judge = WordJudge.of_examples(["good good day", "good sun"], ["bad day", "bad"])
    n = 3  # good, day and bad stand in two examples
    expected = {"good": np.log(4 / (4 + n) / (1 / (3 + n))), "day": np.log(2 / 7 / (2 / 6))}
    assert judge.weights["good"] == pytest.approx(expected["good"])
    assert judge.weights["day"] == pytest.approx(expected["day"])
    assert "sun" not in judge.weights
    assert judge(["Good, 2 else!", ""]) == pytest.approx([expected["good"] / 2, 0])
    assert WordJudge.of_words(["A b"])(["a A c b"]) == pytest.approx([0.75])
    weights = WordJudge.of_words(["B", "user"]).token_weights(Letters())
    assert [Letters().decode([t]) for t in weights.nonzero()[:, 0].tolist()] == ["B", "b"]
    assert distinct_words(["a b A a", ""]) == pytest.approx([0.5, 0])


def test_what_is_refused_before_any_work(model, sae, monkeypatch):
    monkeypatch.setattr(f"{judge_steering.__module__}.example_rows", lambda *_: pytest.fail())
    with pytest.raises(ConfigError, match="got 3 examples of the target"):
        judged(model, sae, TARGET[:3])
    with pytest.raises(ConfigError, match=r"got 1 texts among .*, such as 'ADXYZ', expected each"):
        judged(model, sae, TARGET, [*OTHER, TARGET[0]])
    with pytest.raises(ConfigError, match="got neither examples nor words"):
        judged(model, sae, (), (), words=[], features=[3])
    with pytest.raises(ConfigError, match="got neither examples nor features"):
        judged(model, sae, (), ())
    with pytest.raises(ConfigError, match="got no features"):
        judged(model, sae, features=[])
    with pytest.raises(ConfigError, match=r"got features \[40\], expected some from 0 to 31"):
        judged(model, sae, features=[40])
    with pytest.raises(ConfigError, match="got 2 prompts, expected at least 4"):
        judged(model, sae, prompts=["AB", "AB", "BA"])
    with pytest.raises(ConfigError, match="got nulls=-1"):
        judged(model, sae, nulls=-1)
    with pytest.raises(DataError, match=r"got no words in \['12'\]"):
        judged(model, sae, words=["12"])
    with pytest.raises(DataError, match="got examples that share no word"):
        WordJudge.of_examples(["a"], ["b"])
