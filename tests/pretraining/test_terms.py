"""Masks, pairs and terms of pretraining: every registered one, and values known in closed form."""

import pytest
import torch

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.pretraining.masks.mask import Mask
from sparsetime.pretraining.objective import ModelUnderObjective, compose_objective
from sparsetime.pretraining.objectives.hierarchical_contrast import (
    contrast_of_groups,
    hierarchical_contrast,
)
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm
from sparsetime.pretraining.pairs.pair import PairSampler
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.registry import components_of
from sparsetime.sequence_models.views.vector_layout import VectorLayout

D = 8


def random(key=0):
    return seeds.torch_generator(3, "masks and crops of pretraining", key)


def series(batch=4, steps=24):
    return torch.randn(batch, steps, 3, generator=seeds.torch_generator(0, "random inputs"))


def patch_model():
    return st.compose_model({"kind": "patches", "size": 2}, "bidirectional_attention", d=D, d_in=3)


@pytest.mark.parametrize("kind", components_of("mask"))
def test_a_mask_hides_equally_many_in_every_sequence_and_repeats_with_its_numbers(kind):
    mask = Mask.from_description({"kind": kind, "share": 0.5}, {"d": D})
    vectors, layout = torch.randn(5, 24, D), VectorLayout(6, 4)
    hidden = mask.draw(vectors, layout, random())
    assert hidden.sum(1).tolist() == [12] * 5
    assert torch.equal(hidden, mask.draw(vectors, layout, random()))
    assert not torch.equal(hidden, mask.draw(vectors, layout, random(1)))
    with pytest.raises(DataError, match="expected at least one that is and one that is not"):
        mask.draw(vectors[:, :1], VectorLayout(1), random())


def test_tubes_hide_places_frames_times_and_spans_stretches():
    vectors, layout = torch.randn(5, 24, D), VectorLayout(6, 4)

    def drawn(kind):
        mask = Mask.from_config({"kind": kind, "share": 0.5})
        return mask.draw(vectors, layout, random()).unflatten(1, (6, 4))

    assert (drawn("tube") == drawn("tube")[:, :1]).all()
    assert (drawn("frame") == drawn("frame")[:, :, :1]).all()
    span = drawn("span")[:, :, 0].int()
    assert (span.diff(dim=1).abs().sum(1) <= 2).all()
    assert (span.sum(1) == 3).all()
    assert (span.diff(dim=1) == 1).sum(1).max() <= 1


def test_a_learnt_mask_comes_to_keep_what_is_hard_to_rebuild():
    with seeds.torch_globals(0, "random inputs"):
        mask = Mask.from_config({"kind": "learnt", "d": D, "heads": 2, "weight": 1.0})
    mask.share = 0.5
    vectors = series(8, 20)[..., :1].expand(-1, -1, D).clone()
    hard = torch.arange(20) < 5
    vectors[:, hard] += 3
    optimiser = torch.optim.Adam(mask.parameters(), 0.02)
    for step in range(60):
        hidden = mask.draw(vectors, VectorLayout(20), random(step))
        loss = mask.loss(hard.float().expand(8, -1), hidden)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    p = mask.log_probabilities(vectors).exp()
    assert p[:, hard].sum(1).min() > 0.45  # at first a quarter
    assert mask.draw(vectors, VectorLayout(20), random())[:, hard].float().mean() < 0.3


@pytest.mark.parametrize("kind", sorted(components_of("pair").keys() - {"complementary"}))
def test_common_steps_of_a_pair_are_the_same_steps(kind):
    example = PairSampler.kinds[kind].example
    quiet = {"noise": 0.0, "scale": 0.0} if kind == "copies" else {}
    pair = PairSampler.from_config({"kind": kind, **example, **quiet})
    x = torch.arange(24.0)[None, :, None].expand(3, -1, 2)
    for key in range(20):
        drawn = pair.draw(x, 2, random(key))
        assert drawn.first.shape[1] % 2 == drawn.second.shape[1] % 2 == 0
        first = drawn.first[:, drawn.first_start :][:, : drawn.common]
        second = drawn.second[:, drawn.second_start :][:, : drawn.common]
        assert first.shape[1] == drawn.common
        assert torch.equal(first, second)
        assert drawn.first_start % 2 == drawn.second_start % 2 == 0


def test_complementary_copies_add_up_to_the_sequence_patch_by_patch():
    x = series(steps=23)
    drawn = PairSampler.from_config({"kind": "complementary"}).draw(x, 4, random())
    assert drawn.common == 20
    assert torch.equal(drawn.first + drawn.second, x[:, :20])
    shown = (drawn.first != 0).all(2).unflatten(1, (5, 4))
    assert (shown.all(2) == shown.any(2)).all()
    assert 0 < shown.float().mean() < 1


def test_clips_are_at_most_a_span_apart_and_reach_it():
    x = torch.arange(100.0)[None, :, None].expand(400, -1, 1)
    for span, farthest in ((0, 0), (10, 10), (None, 92)):
        pair = PairSampler.from_config({"kind": "clips", "length": 8, "span": span})
        drawn = pair.draw(x, 2, random())
        apart = (drawn.first[:, 0] - drawn.second[:, 0]).abs()
        assert apart.max() <= farthest
        assert apart.max() >= 0.8 * farthest
        assert (drawn.first.diff(dim=1) == 1).all()
    noisy = PairSampler.from_config({"kind": "clips", "length": 8, "span": 0, "noise": 0.1})
    drawn = noisy.draw(x, 2, random())
    assert 0.05 < (drawn.first - drawn.second).std() < 0.3
    with pytest.raises(DataError, match="got sequences of 6 steps, expected at least length=8"):
        noisy.draw(x[:, :6], 2, random())
    with pytest.raises(ConfigError, match="got clips of length=8, expected a multiple of the 3"):
        noisy.draw(x, 3, random())


@pytest.mark.parametrize("kind", components_of("pretraining_term"))
def test_a_term_reaches_the_model_and_its_own_parameters(kind):
    mixer = "attention" if kind == "denoise" else "bidirectional_attention"
    model = st.compose_model({"kind": "patches", "size": 2}, mixer, d=D, d_in=3)
    under = ModelUnderObjective(model, compose_objective(kind, teacher=0.5), seed=0)
    losses = under.losses(series(), random())
    assert list(losses) == [kind]
    losses[kind].backward()
    reached = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in model.parameters()]
    assert sum(reached) > 0.8 * len(reached)
    assert all(p.grad is not None for p in under.terms.parameters())
    assert all(p.grad is None for p in under.teacher.parameters())


def test_the_teacher_follows_the_model():
    under = ModelUnderObjective(patch_model(), compose_objective("rebuild", teacher=0.9), seed=0)
    slow, fast = under.teacher.view.map.weight, under.model.view.map.weight
    with torch.no_grad():
        fast += 1
    under.update_teacher()
    torch.testing.assert_close(fast - slow, torch.full_like(fast, 0.9))


def test_masked_values_do_not_depend_on_what_is_hidden():
    """Neither where vectors are left out nor where another vector stands in for them."""
    for hide in ("leave_out", "replace"):
        term = {"kind": "masked", "hide": hide, "mask": {"kind": "random", "share": 0.5}}
        under = ModelUnderObjective(patch_model(), compose_objective(term), seed=0)
        x = series()
        steps = [PretrainingPass(under.model, under.model, one, random()) for one in (x, x.clone())]
        hidden = under.terms[0].mask.draw(steps[0].embedded, steps[0].layout, random())
        steps[1].x[hidden.repeat_interleave(2, 1)] += 5
        one, other = (under.terms[0].predicted(step, hidden) for step in steps)
        torch.testing.assert_close(one, other)
        predicted = under.terms[0].predicted(steps[0], hidden)
        expected = (predicted - steps[0].content).square().mean(2)[hidden].mean()
        torch.testing.assert_close(under.losses(x, random())["masked"], expected)


def test_contrast_is_the_mean_of_softmax_losses_by_time_and_by_sequence():
    generator = seeds.torch_generator(0, "random inputs")
    z, w = (torch.randn(3, 1, D, generator=generator) for _ in range(2))
    total = 0.0
    for own, others in ((z, w), (w, z)):
        for b in range(3):
            candidates = [others[j, 0] for j in range(3)]
            candidates += [own[j, 0] for j in range(3) if j != b]
            logits = torch.stack([own[b, 0] @ one for one in candidates])
            total -= logits.log_softmax(0)[b] / 6
    torch.testing.assert_close(hierarchical_contrast(z, w), total / 2)
    assert contrast_of_groups(z, w) == 0
    far = 9 * torch.eye(4)[None]
    assert contrast_of_groups(far, far) < 1e-6
    assert contrast_of_groups(far, far.flip(1)) > 50


def test_equal_vectors_have_the_largest_variance_loss():
    term = PretrainingTerm.from_config({"kind": "variance", "covariance": 0.0})
    model = patch_model()
    step = PretrainingPass(model, model, series(), random())
    step.__dict__["vectors"] = torch.ones(6, 5, D)
    assert term.loss(step).item() == pytest.approx(1, abs=0.02)
    step.__dict__["vectors"] = 5 * torch.randn(64, 1, D)
    assert term.loss(step).item() == 0


def test_denoising_of_a_patch_does_not_read_it_or_later_ones_through_the_model():
    model = st.compose_model({"kind": "patches", "size": 2}, "attention", d=D, d_in=3)
    under = ModelUnderObjective(
        model, compose_objective({"kind": "denoise", "is_noisy": False}), seed=0
    )
    term, x = under.terms[0], series()
    outputs = []
    term.out.register_forward_hook(lambda module, inputs, output: outputs.append(output.detach()))
    for moved in (0.0, 1.0):
        changed = x.clone()
        changed[:, 10:] += moved  # patch 5 on
        under.losses(changed, random())
    torch.testing.assert_close(outputs[0][:, :6], outputs[1][:, :6])
    assert (outputs[0] - outputs[1])[:, 6].abs().max() > 1e-4


def test_a_term_that_does_not_fit_the_model_is_refused():
    with pytest.raises(ConfigError, match="which reads later steps, expected causal mixers"):
        ModelUnderObjective(patch_model(), compose_objective("denoise"), seed=0)
    nothing = {"kind": "denoise", "is_noisy": False, "reads_earlier": False}
    with pytest.raises(ConfigError, match="expected at least one: nothing else says"):
        ModelUnderObjective(patch_model(), compose_objective(nothing), seed=0)
    with pytest.raises(DataError, match="expected at least three vectors of 2 steps"):
        short = ModelUnderObjective(patch_model(), compose_objective("feature_prediction"), seed=0)
        short.losses(series(steps=5), random())
    symbols = st.compose_model("symbols", "attention", d=D, vocabulary=5)
    for kind in ("rebuild", "masked"):
        with pytest.raises(ConfigError, match="of symbols, expected"):
            ModelUnderObjective(symbols, compose_objective(kind), seed=0)
