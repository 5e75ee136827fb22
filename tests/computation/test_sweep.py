"""Plans as methods of st.sweep, beside policies of attention."""

import math

import pytest
import torch
from computation.test_measures import llama, tokens

import sparsetime as st
from sparsetime.errors import ConfigError


def test_plans_are_swept_and_the_model_is_as_before():
    model, x = llama(), tokens(sequences=5)
    before = model(x).logits.detach()
    swept = st.sweep(model, ["magnitude", "teal"], [0.25, 0.75], data=x)
    assert {point.method for point in swept.points} == {"magnitude", "teal"}
    for point in swept.points:
        assert point.sparsity == pytest.approx(point.asked, abs=0.02)
        assert math.isnan(point.pairs)
    assert torch.equal(model(x).logits, before)


def test_methods_that_train_are_refused():
    with pytest.raises(ConfigError, match="'rigl', which changes weights during training"):
        st.sweep(llama(), ["rigl"], [0.5], data=tokens(sequences=5))
