"""Sparsifiers and terms that share out a budget, on cases with a known answer."""

import math
from dataclasses import replace

import pytest
import torch

import sparsetime as st
from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.objectives.annealed_lp import AnnealedLp
from sparsetime.dictionaries.objectives.aux_k import AuxK
from sparsetime.dictionaries.objectives.aux_zipf import AuxZipf
from sparsetime.dictionaries.objectives.norm_match import NormMatch
from sparsetime.dictionaries.sparsifiers.adaptive_k import AdaptiveK
from sparsetime.dictionaries.sparsifiers.feature_choice import FeatureChoice
from sparsetime.dictionaries.sparsifiers.firing_rate_bias import FiringRateBias
from sparsetime.dictionaries.sparsifiers.top_afa import TopAFA
from sparsetime.errors import ConfigError


def rows(count, d, seed=0):
    return torch.randn(count, d, generator=torch.Generator().manual_seed(seed))


def axes(sparsifier, width=4):
    """A dictionary whose atoms and encoder are the axes."""
    sae = st.compose(d_in=width, width=width, sparsifier=sparsifier, objective="mse")
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(width))
        sae.decoder.weight.copy_(torch.eye(width))
    return sae


def test_top_afa_stops_where_the_code_is_as_long_as_the_row():
    sae = axes(TopAFA(4))
    # Orthogonal atoms: all of a positive row is needed, however many dimensions it has.
    x = torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    assert sae.encode(x).counts.tolist() == [2, 1, 4]
    torch.testing.assert_close(sae(x), x)
    # Two atoms that say the same: the first alone is as long as the row.
    with torch.no_grad():
        sae.encoder.weight[1] = torch.tensor([0.999, 0.0, 0.0, 0.0])
    assert sae.encode(torch.tensor([[2.0, 0.0, 0.0, 0.0]])).indices.tolist() == [0]


def test_length_match_is_the_difference_of_lengths():
    sae = axes({"kind": "top_k", "k": 1})
    step = sae.forward_train(torch.tensor([[3.0, 4.0, 0.0, 0.0], [5.0, 0.0, 0.0, 0.0]]))
    assert NormMatch().loss(step).item() == pytest.approx((5 - 4) ** 2 / 2, rel=1e-5)


def test_every_latent_takes_the_rows_where_it_is_strongest():
    sae = axes(FeatureChoice(width=4, k=1))  # one row in four for each latent
    x = torch.tensor(
        [[9.0, 1.0, 1.0, 1.0], [8.0, 7.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [2.0, 1.0, 3.0, -1.0]]
    )
    step = sae.forward_train(x)
    kept = torch.zeros(4, 4)
    kept[step.support.row_of_entry, step.support.indices] = step.values.detach()
    assert kept.tolist() == [[9, 0, 0, 1], [0, 7, 0, 0], [0, 0, 0, 0], [0, 0, 3, 0]]


def test_thresholds_of_feature_choice_keep_the_budget_without_a_batch():
    sae = st.dictionary("feature_choice", d_in=8, width=32, k=3, zipf=0.5)
    for seed in range(60):
        sae.observe(sae.forward_train(rows(256, 8, seed)))
    frequency = sae.sparsifier.frequency
    assert frequency.sum().item() == pytest.approx(3, rel=1e-4)
    assert (frequency.diff() <= 0).all()
    code = sae.encode(rows(4000, 8, seed=99))
    fired = torch.bincount(code.indices, minlength=32) / 4000
    assert (fired > 0).all()
    assert code.counts.float().mean().item() == pytest.approx(3, rel=0.1)
    assert torch.corrcoef(torch.stack([fired, frequency]))[0, 1] > 0.9


def test_a_share_of_less_than_a_row_a_batch_is_kept_too():
    sae = st.dictionary("feature_choice", d_in=8, width=64, k=1, zipf=0.0)
    for seed in range(300):
        sae.observe(sae.forward_train(rows(32, 8, seed)))
    assert sae.encode(rows(4000, 8, seed=999)).counts.float().mean().item() == pytest.approx(
        1, rel=0.25
    )


def test_a_zipf_share_is_never_more_than_all_rows():
    frequency = FeatureChoice(width=10, k=5, zipf=3.0).frequency
    assert frequency.max().item() == 1
    assert frequency.sum().item() == pytest.approx(5, rel=1e-5)


def test_underused_latents_are_those_below_the_law():
    term = AuxZipf(width=4, exponent=1.0, share=0.5)
    assert not term.underused().any()
    term.density.copy_(torch.tensor([1 / 3, 0.01, 1.0, 1 / 2]))
    # The law of the ranks 1, 1/2, 1/3, 1/4 with the sum of what was seen.
    assert term.underused().tolist() == [False, True, False, False]


def test_aux_zipf_is_aux_k_of_the_underused():
    sae = st.dictionary("mutual_choice", d_in=6, width=24, k=2)
    term = next(one for one in sae.objective.members if one.kind == "aux_zipf")
    step = sae.forward_train(rows(40, 6, seed=1))
    assert term.loss(step).item() == 0.0
    term.density.copy_((torch.arange(24) >= 10).float())
    few = torch.arange(24) < 10
    expected = AuxK().loss(replace(step, dead=few))
    torch.testing.assert_close(term.loss(step), expected)
    sae.observe(step)
    assert int(term.steps) == 1


def test_adaptive_k_learns_what_makes_a_row_complex():
    sae = st.dictionary("adaptive_k", d_in=6, width=64, k=16, spread=0.5)
    for seed in range(5):
        x = rows(200, 6, seed)
        sae.observe(sae.forward_train(Batch(x, labels=(10 * x[:, 0]).round().long())))
    x = rows(500, 6, seed=9)
    centred = sae.centred(sae.normalisation.normalise(x))
    k = sae.sparsifier.k_of(centred)
    assert torch.corrcoef(torch.stack([k.float(), x[:, 0]]))[0, 1] > 0.95
    assert k.min() >= 8
    assert k.max() <= 24
    assert k.float().mean().item() == pytest.approx(16, rel=0.05)
    assert torch.equal(sae.encode(x).counts, k)
    assert sae.needs == {"labels"}


def test_labels_that_never_change_leave_every_row_at_k():
    sae = st.dictionary("adaptive_k", d_in=6, width=64, k=16)
    x = rows(200, 6)
    sae.observe(sae.forward_train(Batch(x, labels=torch.full((200,), 3))))
    assert (sae.sparsifier.k_of(x) == 16).all()


def test_thresholds_bring_every_group_to_its_frequency():
    sae = st.dictionary("gba", d_in=8, width=32, k=4, groups=2, ratio=0.25)
    sparsifier = sae.sparsifier
    assert sparsifier.frequencies == pytest.approx([0.2, 0.05])
    for seed in range(600):
        sae.observe(sae.forward_train(rows(512, 8, seed)))
    code = sae.encode(rows(20_000, 8, seed=999))
    fired = torch.bincount(code.indices, minlength=32) / 20_000
    for group, wanted in enumerate(sparsifier.frequencies):
        mean = fired[sparsifier.group == group].mean().item()
        assert mean == pytest.approx(wanted, rel=0.1)


def test_a_silent_latents_threshold_falls():
    sparsifier = FiringRateBias(width=2, frequencies=[0.5])
    sparsifier.threshold.fill_(3.0)
    sae = axes(sparsifier, width=2)
    for _ in range(5):
        sae.observe(sae.forward_train(torch.tensor([[4.0, 1.0], [4.0, 1.0]])))
    assert sparsifier.threshold[0] > 3.0 > sparsifier.threshold[1]


def test_the_start_of_adapted_thresholds_is_that_of_random_directions():
    sparsifier = FiringRateBias(width=4, frequencies=[0.5, 0.1])
    sparsifier.init_from_data(rows(5000, 16) * 3)
    torch.testing.assert_close(
        sparsifier.threshold, torch.tensor([0.0, 0.0, 3.845, 3.845]), atol=0.05, rtol=0
    )


def test_an_annealed_penalty_changes_its_shape_and_not_its_size():
    term = AnnealedLp(weight=1.0, last=0.5, begin=0.0)
    sae = axes({"kind": "top_k", "k": 2})
    step = sae.forward_train(torch.tensor([[4.0, 1.0, 0.0, 0.0]]))
    assert term.loss(step).item() == pytest.approx(5.0)
    for progress in (0.3, 0.7, 1.0):
        term.observe(replace(step, progress=progress))
        assert term.loss(step).item() == pytest.approx(5.0)
    assert term.p.item() == pytest.approx(0.5)
    # Now (2 + 1) times a factor, so the small strength costs more than its part of the sum.
    assert term.factor.item() == pytest.approx(5 / 3)
    gradient = torch.autograd.grad(term.loss(step), step.values)[0]
    torch.testing.assert_close(gradient, 5 / 3 * 0.5 * torch.tensor([4.0, 1.0]) ** -0.5)
    assert math.isfinite(term.loss(sae.forward_train(torch.zeros(1, 4))).item())


REFUSED = {
    "most": (lambda: TopAFA(0), "got most=0, expected at least 1 latent a row"),
    "width": (
        lambda: st.dictionary("top_afa", d_in=4, width=8, most=9),
        "most is 9 and larger than the width, 8",
    ),
    "zipf": (
        lambda: FeatureChoice(8, 2, zipf=-1.0),
        "got zipf=-1.0 .* expected zipf of at least 0",
    ),
    "law": (lambda: AuxZipf(8, share=2.0), "a share between 0 and 1"),
    "spread": (
        lambda: AdaptiveK(4, 2, spread=1.0),
        "got spread=1.0.* expected a spread between 0 and 1",
    ),
    "frequencies": (lambda: FiringRateBias(8, [0.1, 1.5]), "shares of rows between 0 and 1"),
    "pace": (
        lambda: FiringRateBias(8, [0.1], pace=1.0),
        "got pace=1.0 .* expected a pace between 0 and 1",
    ),
    "power": (lambda: AnnealedLp(0.1, last=0.0), "expected a last power above 0"),
    "lengths": (
        lambda: st.compose(
            d_in=4,
            d_out=6,
            width=8,
            sparsifier={"kind": "top_k", "k": 2},
            objective=["mse", "length_match"],
        ),
        "a dictionary that reconstructs another site than it reads",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_settings_out_of_range_are_refused(case):
    call, text = case
    with pytest.raises(ConfigError, match=text):
        call()


def test_inputs_of_a_row_alone_give_the_same_k():
    part = AdaptiveK(d_in=6, k=8)
    part.weight.copy_(torch.arange(6.0))
    part.scale.fill_(0.2)
    x = rows(50, 6)
    alone = torch.cat([part.training_rule(EncoderInput(x[i : i + 1])).k for i in range(50)])
    assert torch.equal(part.training_rule(EncoderInput(x)).k, alone)
