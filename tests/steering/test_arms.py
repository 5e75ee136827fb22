"""Arms of steering: directions of length one, one bound of perplexity, nulls of equal norm."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from steered_models import SITES, language_model, small_dictionary

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.steering.arms.arm_texts import arm_texts
from sparsetime.steering.arms.compare_arms import compare_arms
from sparsetime.steering.arms.steering_arm import (
    SteeringArm,
    feature_arm,
    gradient_arm,
    mean_difference_arm,
    probe_arm,
    random_feature_arms,
    reconstruction_arm,
)

SITE = SITES[0]
PROMPTS = ["<us", "B<u", "ABC", "CBA", "AAB", "BBA"]


@pytest.fixture(scope="module")
def model():
    return language_model()


@pytest.fixture(scope="module")
def sae():
    return small_dictionary("topk", 1, 0.1, k=12)


def letter_counts(texts):
    return np.array([text.count("@") + len(set(text)) / 100 for text in texts])


def test_a_feature_arm_is_what_steering_with_the_feature_adds(model, sae):
    arm = feature_arm(sae, {3: 2.0, 8: -1.0})
    norm = float(arm.direction.norm())
    by_arm = arm_texts(model, SITE, arm, PROMPTS, norm, 6)
    run = st.steer(model, {SITE: sae}, {SITE: {3: 2.0, 8: -1.0}}, units="activation")
    assert by_arm.texts == run.generate(PROMPTS, 6).texts


def test_each_prompt_may_have_a_direction_of_its_own(model):
    vectors = torch.randn(len(PROMPTS), 16, generator=seeds.torch_generator(0, "random inputs"))
    own = SteeringArm("own", lambda prompt: vectors[PROMPTS.index(prompt)])
    together = arm_texts(model, SITE, own, PROMPTS, 3.0, 5)
    for place, prompt in enumerate(PROMPTS):
        alone = arm_texts(model, SITE, SteeringArm("one", vectors[place]), [prompt], 3.0, 5)
        assert alone.texts == [together.texts[place]]
        assert alone.losses[0] == pytest.approx(together.losses[place], rel=1e-4)


def test_prompts_of_several_lengths_are_read_apart(model):
    mixed = ["<us", "ABCD", "BB"]
    arm = SteeringArm("one", torch.ones(16))
    made = arm_texts(model, SITE, arm, mixed, 1.0, 4)
    assert [arm_texts(model, SITE, arm, [p], 1.0, 4).texts[0] for p in mixed] == made.texts


def test_arms_are_compared_at_one_bound_and_nulls_at_equal_norm(model, sae):
    rows = torch.randn(20, 16, generator=seeds.torch_generator(1, "random inputs"))
    density = np.full(sae.width, 0.1)
    made = compare_arms(
        model, SITE,
        [
            feature_arm(sae, {3: 1.0}),
            mean_difference_arm(rows[:10], rows[10:]),
            SteeringArm("prompt", prompt=lambda prompt: "A" + prompt),
            *random_feature_arms(sae, density, [3], 2),
        ],
        PROMPTS, letter_counts, spread=1.0, doses=(1.0, 4.0), limit=50.0, steps=5,
        off_target=letter_counts,
    )  # fmt: skip
    assert list(made.scores) == [
        "plain", "features", "mean difference", "prompt", "random 1", "random 2",
    ]  # fmt: skip
    plain, feature = made.scores["plain"], made.scores["features"]
    assert plain.dose == 0 and plain.perplexity == 1
    assert abs(feature.dose) in (0.0, 1.0, 4.0)
    assert {abs(made.scores[name].dose) for name in made.nulls["features"]} == {abs(feature.dose)}
    assert made.rank("features") in (1 / 3, 2 / 3, 1.0)
    assert made.shift("plain") == 0
    record = made.to_record()
    assert [arm["name"] for arm in record["arms"]] == list(made.scores)
    with pytest.raises(UnknownNameError, match="unknown arm 'featurs'"):
        made.shift("featurs")


def test_a_dose_beyond_the_bound_is_not_taken(model, sae):
    made = compare_arms(
        model, SITE, [feature_arm(sae, {3: 1.0})], PROMPTS, letter_counts,
        spread=1.0, doses=(200.0,), limit=1.0001, steps=5,
    )  # fmt: skip
    assert made.scores["features"].dose == 0
    assert made.scores["features"].texts == made.scores["plain"].texts


def test_a_prompt_that_does_not_raise_the_score_is_not_given(model):
    longer = SteeringArm("prompt", prompt=lambda prompt: "A" + prompt)
    falling = SteeringArm("falling", prompt=lambda prompt: prompt + "@")
    plain = arm_texts(model, SITE, SteeringArm("plain"), PROMPTS, 0.0, 5).texts

    def judge(texts):
        return np.array([float(text in plain) for text in texts])

    made = compare_arms(model, SITE, [longer, falling], PROMPTS, judge, spread=1.0, steps=5)
    for arm in ("prompt", "falling"):
        assert made.scores[arm].dose == 0
        assert made.scores[arm].texts == made.scores["plain"].texts


def test_nulls_of_two_arms_have_names_of_their_own(sae):
    density = np.full(sae.width, 0.1)
    arms = [
        *random_feature_arms(sae, density, [3], 2),
        *random_feature_arms(sae, density, [8], 2, "other", name="random of other"),
    ]
    assert [arm.name for arm in arms] == [
        "random 1", "random 2", "random of other 1", "random of other 2",
    ]  # fmt: skip


def test_a_probe_and_a_gradient_point_to_the_target(model):
    rows = torch.randn(60, 16, generator=seeds.torch_generator(2, "random inputs"))
    rows[:30, 4] += 6.0
    probe = probe_arm(rows[:30], rows[30:]).direction
    assert int(probe.abs().argmax()) == 4 and probe[4] > 0
    tokens = torch.tensor([[7, 3, 9, 0], [1, 2, 3, 6]])

    def metric(output):
        return output.logits[:, -1, 5]

    arm = gradient_arm(model.model, SITE, tokens, metric)
    unit = arm.directions([""])[0]
    moved = [
        st.steer(model, {SITE: st.dictionaries.directions(unit * sign)}, {SITE: {0: 0.01}},
                 units="activation").read(tokens).logits[:, -1, 5].sum()
        for sign in (1, -1)
    ]  # fmt: skip
    assert moved[0] > moved[1]


def test_directions_are_a_dictionary_of_their_own():
    sae = st.dictionaries.directions([[3.0, 0.0], [0.0, -2.0]], torch.tensor([1.0, 1.0]), "0")
    code = sae.encode(torch.tensor([[2.0, 4.0]]))
    assert code.dense().tolist() == [[3.0, -6.0]]
    assert sae.provenance["site"] == "0"
    with pytest.raises(DataError, match=r"got a direction of length 0 \(number 1\)"):
        st.dictionaries.directions([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(DataError, match=r"got directions of shape \[1, 1, 2\]"):
        st.dictionaries.directions(torch.ones(1, 1, 2))


def test_settings_out_of_range_are_refused(model, sae):
    arm = feature_arm(sae, {3: 1.0})

    def compared(arms=(arm,), prompts=PROMPTS, **settings):
        return compare_arms(
            model, SITE, arms, prompts, letter_counts, **{"spread": 1.0, **settings}
        )

    with pytest.raises(ConfigError, match="got 2 prompts, expected at least 4"):
        compared(prompts=PROMPTS[:2])
    with pytest.raises(ConfigError, match=r"got doses=\[0.0\], limit=1.25"):
        compared(doses=[0.0])
    with pytest.raises(ConfigError, match="expected different names, none 'plain'"):
        compared([arm, arm])
    with pytest.raises(UnknownNameError, match="unknown arm of equal norm 'features 2'"):
        compared([arm, replace(arm, name="null", equal_norm_of="features 2")])
    with pytest.raises(DataError, match="got the arm 'none' without a direction or a prompt"):
        compared([SteeringArm("none")])
    with pytest.raises(ConfigError, match=r"got features \[40\], expected some from 0 to 31"):
        feature_arm(sae, {40: 1.0})
    with pytest.raises(ConfigError, match=r"got signs=\(2,\), expected 1, -1 or both"):
        SteeringArm("signs", torch.ones(16), signs=(2,))
    with pytest.raises(DataError, match="of the arm 'zero' of length 0"):
        SteeringArm("zero", torch.zeros(16))
    with pytest.raises(ConfigError, match="got a model without a tokenizer"):
        arm_texts(replace(model, tokenizer=None), SITE, arm, PROMPTS, 1.0, 2)


def test_a_reconstruction_is_reported_without_a_dose(model, sae):
    made = compare_arms(
        model, SITE, [reconstruction_arm(sae)], PROMPTS, letter_counts, spread=1.0,
        limit=1.0001, steps=5,
    )  # fmt: skip
    scores = made.scores["reconstruction"]
    plain = model.model(torch.tensor([[2, 3]])).logits
    run = st.steer(model, {SITE: sae}, {SITE: {}}, keep_error=False)
    assert scores.dose == 1
    assert scores.texts == tuple(run.generate(PROMPTS[1::2], 5).texts)
    assert scores.texts != made.scores["plain"].texts
    assert not torch.allclose(run.read(torch.tensor([[2, 3]])).logits, plain)
