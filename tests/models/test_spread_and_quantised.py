"""Models that are quantised, or spread over devices: captured as they compute, or refused."""

import copy

import pytest
import torch
from torch import nn
from torch.testing._internal.two_tensor import TwoTensor

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.models.load import load_model
from sparsetime.models.weight_hash import weight_hash

# The word has another spelling here.
in_integers = getattr(torch.ao.quantization, "quanti" + "ze_dynamic")


def plain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 6)).eval()


@pytest.fixture
def quantised():
    """Linear layers of torch's own 8-bit integers: packed parameters, which no tensor shows."""
    return in_integers(plain(), {nn.Linear})


pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:torch\.quanti.e_per_tensor"),
]


def test_a_quantised_model_is_captured_as_it_computes(quantised, tmp_path):
    x = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    store = st.capture(quantised, [x], "2", tmp_path / "s", batch=1, progress=False)
    torch.testing.assert_close(store.sequence(0).values, quantised(x))
    assert not torch.allclose(store.sequence(0).values, plain()(x), atol=1e-4)


def test_quantised_weights_that_differ_in_one_number_have_another_hash(quantised):
    model = plain()
    with torch.no_grad():
        model[2].weight[3, 30] += 0.05  # in the middle, where the text of a tensor has dots
    other = in_integers(model, {nn.Linear})
    assert weight_hash(quantised) != weight_hash(other)
    assert weight_hash(quantised) == weight_hash(copy.deepcopy(quantised))
    assert weight_hash(quantised) != weight_hash(plain())


def test_a_class_of_quantised_tensors_is_hashed_by_what_it_holds():
    def made(change):
        model = nn.Linear(40, 40, bias=False)
        first, second = torch.ones(40, 40), torch.zeros(40, 40)
        second[20, 20] = change
        model.weight = nn.Parameter(TwoTensor(first, second), requires_grad=False)
        return model

    assert weight_hash(made(0.0)) == weight_hash(made(0.0)) != weight_hash(made(1.0))


def test_weights_that_are_offloaded_are_refused(tmp_path):
    model = plain()
    model[2].to("meta")  # as accelerate leaves a layer that it offloads
    with pytest.raises(ConfigError, match=r"accelerate offloads .* a device_map without 'cpu' and"):
        st.capture(model, [torch.zeros(3, 4)], "0", tmp_path / "s", progress=False)


def test_a_model_that_stays_where_it_is_is_not_moved():
    class Fixed(nn.Linear):
        def to(self, *_, **__):
            raise ValueError("`.to` is not supported for `4-bit` models.")

    with pytest.raises(
        ConfigError, match=r"'Fixed' cannot be moved to cpu: `.to` is .* Leave out d"
    ):
        load_model(Fixed(2, 2), device="cpu")

    spread = nn.Linear(2, 2)
    spread.hf_device_map = {"embeddings": 0, "layers": 1}
    with pytest.raises(
        ConfigError, match=r"got device=cpu for the model 'Linear', which accelerate"
    ):
        load_model(spread, device="cpu")


def test_values_take_the_dtype_of_weights_that_are_no_integers(tmp_path):
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.packed = nn.Parameter(torch.ones(4, 4, dtype=torch.uint8), requires_grad=False)
            self.out = nn.Linear(4, 4, dtype=torch.bfloat16)

        def forward(self, x):
            return self.out(x @ self.packed.to(x.dtype))

    store = st.capture(Packed(), [torch.ones(3, 4)], "out", tmp_path / "s", progress=False)
    assert store.dtype == "bfloat16"
