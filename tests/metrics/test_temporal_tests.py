"""st.temporal_tests of models: appearance needs no time, order does; refusals."""

import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError, DataError


class Appearance(torch.nn.Linear):
    """The class is in every step."""

    def forward(self, x):
        return super().forward(x.mean(1))


class Rise(torch.nn.Linear):
    """The class is whether the steps ascend."""

    def forward(self, x):
        return super().forward(x[:, 1:] - x[:, :-1])[:, :, :2].cumsum(1)


def with_identity(model):
    with torch.no_grad():
        model.weight.zero_()
        model.weight[1, 0], model.weight[0, 0] = 1, -1
        model.bias.zero_()
    return model


def sequences(count=80, steps=6):
    classes = torch.arange(count) % 2
    sign = classes[:, None] * 2.0 - 1
    return sign, classes, torch.arange(steps) - (steps - 1) / 2


def test_an_appearance_task_needs_no_time_and_a_direction_task_does():
    sign, classes, time = sequences()
    still = sign.expand(-1, len(time))[..., None]
    found = st.temporal_tests(with_identity(Appearance(1, 2)), still, classes)
    assert found.accuracy == found.shuffled == 1
    assert found.gain.value == found.order.value == found.disparity.value == 0
    rising = (sign * time)[..., None]
    moving = st.temporal_tests(with_identity(Rise(1, 2)), rising, classes)
    assert moving.accuracy == 1
    assert moving.one_step.tolist() == [0.5] * len(time)  # one answer for all
    assert moving.gain.value == pytest.approx(1)
    assert moving.order.value > 0.5
    assert moving.disparity.value == pytest.approx(0.5)
    low, high = moving.order.interval
    assert low < moving.order.value < high
    assert moving.gain.null != moving.gain.value
    assert "untrained" in moving.gain.null_is


def test_the_model_stays_in_its_mode_and_bad_input_is_refused():
    sign, classes, time = sequences(4)
    x = (sign * time)[..., None]
    model = with_identity(Rise(1, 2)).train()
    st.temporal_tests(model, x, classes)
    assert model.training
    with pytest.raises(DataError, match="a class a sequence"):
        st.temporal_tests(model, x, classes[:3])
    with pytest.raises(DataError, match="at least two steps"):
        st.temporal_tests(model, x[:, :1], classes)
    with pytest.raises(DataError, match="expected numbers of classes"):
        st.temporal_tests(model, x, ["a"] * 4)
    with pytest.raises(DataError, match="expected logits"):
        st.temporal_tests(torch.nn.Flatten(0), x, classes)
    with pytest.raises(ConfigError, match="at least 1 random order"):
        st.temporal_tests(model, x, classes, shuffles=0)
