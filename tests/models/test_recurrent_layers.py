"""Layers within recurrent modules of several layers are sites."""

import pytest
import torch
from torch import nn

import sparsetime as st
from sparsetime.errors import ConfigError, UnknownNameError
from sparsetime.interventions.patch import patched
from sparsetime.models.site_patterns import matching_sites


class Voice(nn.Module):
    def __init__(self, kind, **settings):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = kind(3, 4, num_layers=3, batch_first=True, **settings)

    def forward(self, x):
        return self.rnn(input=x)[0]


def chained(module, x):
    """The outputs of all layers, each computed by a module of one layer with its weights."""
    outputs = []
    for layer in range(module.num_layers):
        settings = {"batch_first": True, "bidirectional": module.bidirectional}
        if getattr(module, "proj_size", 0):
            settings["proj_size"] = module.proj_size
        one = type(module)(x.shape[-1], module.hidden_size, **settings)
        with torch.no_grad():
            for name, weight in one.named_parameters():
                weight.copy_(getattr(module, name.replace("_l0", f"_l{layer}")))
            x = one(x)[0]
        outputs.append(x)
    return outputs


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (nn.LSTM, {}),
        (nn.LSTM, {"bidirectional": True, "proj_size": 2}),
        (nn.GRU, {"bidirectional": True}),
        (nn.RNN, {}),
    ],
)
def test_each_layer_is_a_site_with_its_own_output(tmp_path, kind, settings):
    model = Voice(kind, **settings).eval()
    paths = [site.path for site in st.sites(model, torch.zeros(1, 5, 3))]
    assert paths == [".", "rnn", "rnn.layers.0", "rnn.layers.1", "rnn.layers.2"]
    x = torch.randn(2, 6, 3)
    state = torch.get_rng_state()
    with st.models.recording(model, paths[2:]) as recorded, torch.no_grad():
        model(x)
    assert torch.equal(torch.get_rng_state(), state)
    for layer, expected in enumerate(chained(model.rnn, x)):
        torch.testing.assert_close(recorded[f"rnn.layers.{layer}"], expected)
    stores = st.capture(model, x, ["rnn.layers.0", "rnn.layers.2"], tmp_path, progress=False)
    torch.testing.assert_close(stores[0].sequence(1).values, chained(model.rnn, x)[0][1])


def test_a_subclass_may_take_other_arguments():
    class Gait(nn.GRU):
        def __init__(self):
            super().__init__(3, 4, 2, batch_first=True)

    model, x = Gait().eval(), torch.randn(2, 6, 3)
    with st.models.recording(model, "layers.0") as recorded, torch.no_grad():
        model(x)
    one = nn.GRU(3, 4, batch_first=True)
    one.load_state_dict({n: w for n, w in model.state_dict().items() if n.endswith("_l0")})
    torch.testing.assert_close(recorded["layers.0"], one(x)[0])


def test_a_layer_is_matched_and_refused_in_words():
    model = Voice(nn.LSTM)
    patterns = matching_sites(model, "rnn.layers.*")
    assert patterns == {"rnn.layers.*": ["rnn.layers.0", "rnn.layers.1", "rnn.layers.2"]}
    assert [site.path for site in st.sites(nn.LSTM(3, 4, 2))] == [".", "layers.0", "layers.1"]
    with pytest.raises(UnknownNameError, match=r"unknown site 'rnn.layers.3': did you mean"):
        st.models.resolve_site(model, "rnn.layers.3")
    with pytest.raises(ConfigError, match=r"names a part of a layer that its"):
        st.models.resolve_site(model, "rnn.layers.0:input")
    with (
        pytest.raises(ConfigError, match=r"'rnn.layers.0' is a layer that its module computes in"),
        patched(model, "rnn.layers.0", lambda x: x, 1, 5),
    ):
        pass


def test_packed_input_is_refused_in_words():
    model = nn.LSTM(3, 4, 2, batch_first=True)
    packed = nn.utils.rnn.pack_sequence([torch.randn(5, 3), torch.randn(4, 3)])
    with (
        pytest.raises(
            st.errors.DataError, match=r"got a PackedSequence as the input .*; choose the"
        ),
        st.models.recording(model, "layers.0"),
    ):
        model(packed)
