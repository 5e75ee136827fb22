"""st.sweep: methods at equal sparsities on the same tasks, with paired bounds."""

import dataclasses
import math

import pytest
import torch
from attention.zoo import small, small_llama

import sparsetime as st
from sparsetime.attention import attend_model
from sparsetime.comparison.sweep import SweepPoint, SweepTable
from sparsetime.errors import ConfigError, DataError, UnknownNameError


@pytest.fixture(scope="module")
def llama():
    model, _ = small_llama(layers=1)
    generator = torch.Generator().manual_seed(0)
    return model, torch.randint(1, 50, (4, 32), generator=generator)


def test_methods_at_equal_budgets_beside_the_dense_model(llama):
    model, tokens = llama
    methods = [small("exact_top_k"), small("sliding_window")]
    table = st.sweep(model, methods, [0.0, 0.5], data=tokens)
    assert len(table.points) == 2 * 2 * 2
    for point in table.points:
        assert point.sparsity == pytest.approx(point.asked, abs=0.08)
        assert point.interval[0] <= point.loss_increase <= point.interval[1]
        if point.asked == 0.0:
            assert point.loss_increase == pytest.approx(0.0, abs=1e-5)
    assert {point.task for point in table.points} == {"text", "repeats"}
    pairs = {(p.method, p.task): p.pairs for p in table.points if p.asked == 0.5}
    assert max(pairs.values()) < 1.2 * min(pairs.values())
    assert len(table.to_json()) == 8


def test_a_budget_is_solved_once_and_reported_where_it_is_not_reached(llama, monkeypatch):
    model, tokens = llama
    solved, solve = [], attend_model.solved
    monkeypatch.setattr(
        attend_model, "solved", lambda policy, on: solved.append(policy.name) or solve(policy, on)
    )
    methods = [small("moba"), small("sliding_window")]
    table = st.sweep(model, methods, [0.5, 0.97], data=tokens)
    assert solved == ["moba", "moba", "sliding_window", "sliding_window"]
    order = [(p.task, p.method, p.asked) for p in table.points]
    assert order == [
        (task, name, asked)
        for task in ("text", "repeats")
        for name in ("moba", "sliding_window")
        for asked in (0.5, 0.97)
    ]
    unreached = [p for p in table.points if p.method == "moba" and p.asked == 0.97]
    assert all(math.isnan(p.loss) and "leaves out" in p.why for p in unreached)


def test_decoding_is_swept_apart(llama):
    model, tokens = llama
    methods = [small("quest"), small("sample_attention")]
    table = st.sweep(model, methods, [0.5], data=tokens[:, :16], phases=["decode"])
    assert {point.method for point in table.points} == {"quest"}  # the other is for prefill alone
    task = st.comparison.text_task(tokens[1:, :16], "decode")
    whole = st.comparison.text_task(tokens[1:, :16])
    torch.testing.assert_close(task.losses(model)[0], whole.losses(model)[0])


def point(asked, bound, method="a"):
    names = [field.name for field in dataclasses.fields(SweepPoint)]
    values = dict.fromkeys(names, math.nan) | {"method": method, "task": "text", "why": ""}
    values |= {"interval": None, "phase": "prefill", "asked": asked, "sparsity": asked}
    return SweepPoint(**values | {"bound": bound})


def test_the_highest_sparsity_ends_before_the_first_that_fails():
    bounds = {0.5: 0.01, 0.75: 0.2, 0.9: 0.02}
    table = SweepTable(tuple(point(asked, bound) for asked, bound in bounds.items()))
    assert table.highest(within=0.05) == {("a", "text", "prefill"): 0.5}
    assert math.isnan(table.highest(within=0.001)["a", "text", "prefill"])


def test_repeats_are_scored_where_they_are_known():
    tokens = torch.arange(64).reshape(2, 32)
    task = st.comparison.repeat_task(tokens)
    assert torch.equal(task.tokens[:, 24:], tokens[:, :8])
    assert task.scored[0].nonzero()[:, 0].tolist() == list(range(25, 32))


def test_what_cannot_be_swept_is_refused(llama):
    model, tokens = llama
    with pytest.raises(ConfigError, match="no methods or no sparsities"):
        st.sweep(model, [], [0.5], data=tokens)
    with pytest.raises(UnknownNameError, match="did you mean 'quest'"):
        st.sweep(model, ["queste"], [0.5], data=tokens)
    with pytest.raises(ConfigError, match="'topk' of kind 'dictionary' as a method of a sweep"):
        st.sweep(model, ["topk"], [0.5], data=tokens)
    with pytest.raises(ConfigError, match="'rigl', which changes weights during training"):
        st.sweep(model, ["moba", "rigl"], [0.5], data=tokens)
    with pytest.raises(ConfigError, match="of at least three sequences"):
        st.sweep(model, ["moba"], [0.5], data=tokens[:2])
    with pytest.raises(DataError, match="never the first, which nothing predicts"):
        st.comparison.SweepTask("x", tokens, torch.ones_like(tokens, dtype=torch.bool))
