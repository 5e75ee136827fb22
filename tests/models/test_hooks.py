import pytest
import torch
from torch import nn
from toy_models import Blocks, bert, gpt2

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import Recorder, recording
from sparsetime.models.site_tensors import as_batch_time_d

TOKENS = torch.tensor([[5, 6, 7, 9, 10]])


def test_recording_gives_what_the_layers_pass_on():
    model = bert()
    with recording(model, ["encoder.layer.1", "encoder.layer.2:input"]) as found:
        states = model(input_ids=TOKENS, output_hidden_states=True).hidden_states
        assert torch.equal(found["encoder.layer.1"], states[2])
        assert torch.equal(found["encoder.layer.2:input"], states[2])
        first = found["encoder.layer.1"]
        model(input_ids=TOKENS.flip(1))
        assert not torch.equal(found["encoder.layer.1"], first)
    assert not found["encoder.layer.1"].requires_grad
    kept = found["encoder.layer.1"]
    model(input_ids=TOKENS)
    assert found["encoder.layer.1"] is kept


def test_tuples_dataclasses_and_other_layouts():
    model = Blocks()
    x = torch.randn(2, 5, 3)
    with torch.no_grad():
        h, _ = model.lstm(model.enter(x))
        swapped, _ = model.swapped((h + 1).transpose(0, 1))
        conv = model.conv((h + 1).transpose(1, 2))
    names = ["lstm", "boxed", "lstm:input"]
    with Recorder(model, names) as recorder, torch.no_grad():
        found = recorder.run([x], {}, 2, 5)
        assert torch.equal(found["lstm:input"], model.enter(x))
    assert torch.equal(found["lstm"], h)
    # The in-place layer behind it must not reach the recorded values.
    assert torch.equal(found["boxed"], h + 1)
    with Recorder(model, "swapped", time_axis=0) as recorder, torch.no_grad():
        assert torch.equal(recorder.run([x], {}, 2, 5)["swapped"], swapped.transpose(0, 1))
    with Recorder(model, "conv", time_axis=2) as recorder, torch.no_grad():
        assert torch.equal(recorder.run([x], {}, 2, 5)["conv"], conv.transpose(1, 2))


def test_layouts():
    x = torch.randn(2, 3, 5, 4)  # [batch, heads, time, d]
    assert torch.equal(as_batch_time_d(x, "s", 2, 5, 2), x.transpose(1, 2).reshape(2, 5, 12))
    assert torch.equal(as_batch_time_d(x.reshape(6, 20), "s", 2, 3), x.reshape(2, 3, 20))
    with pytest.raises(MismatchError) as caught:
        as_batch_time_d(x, "conv", 2, 4, 2)
    assert str(caught.value) == (
        "got a tensor of shape [2, 3, 5, 4] from the site 'conv' for 2 sequences of 4 steps, "
        "expected [batch, d, time] (time_axis=2), one row a step; set time_axis, or choose another "
        "site"
    )
    with pytest.raises(ConfigError, match="time_axis=4 is no axis of an activation"):
        Recorder(Blocks(), "lstm", time_axis=4)


def test_later_passes_stop_behind_the_last_site_with_the_same_values():
    model = gpt2().eval()
    ran = []
    model.h[1].register_forward_hook(lambda *_: ran.append(1))
    inputs = {"input_ids": TOKENS}
    with Recorder(model, ["h.0", "h.0.mlp"]) as recorder, torch.no_grad():
        first = recorder.run([], inputs, 1, 5)
        assert len(ran) == 1
        second = recorder.run([], inputs, 1, 5)
        assert len(ran) == 1
    assert all(torch.equal(first[name], second[name]) for name in first)
    with Recorder(model, ["h.0"], stop_early=False) as recorder, torch.no_grad():
        recorder.run([], inputs, 1, 5)
        recorder.run([], inputs, 1, 5)
    assert len(ran) == 3


def test_distributed_and_compiled_models_are_never_left_early():
    class DistributedDataParallel(nn.Module):  # recognised by its name
        def __init__(self):
            super().__init__()
            self.module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))

        def forward(self, x):
            return self.module(x)

    model = DistributedDataParallel()
    ran = []
    model.module[1].register_forward_hook(lambda *_: ran.append(1))
    with Recorder(model, "module.0") as recorder:
        recorder.run([torch.zeros(1, 2, 3)], {}, 1, 2)
        recorder.run([torch.zeros(1, 2, 3)], {}, 1, 2)
    assert len(ran) == 2


def test_sites_that_are_not_passed_once_are_refused():
    x = torch.zeros(1, 2, 3)
    with (
        Recorder(Blocks(), "idle") as recorder,
        pytest.raises(DataError, match="'idle' exists, but the model's forward pass does not call"),
    ):
        recorder.run([x], {}, 1, 2)
    with (
        Recorder(Blocks(), "relu") as recorder,
        pytest.raises(ConfigError, match="'relu' is passed 2 times in one forward pass"),
    ):
        recorder.run([x], {}, 1, 2)
    with (
        Recorder(nn.Sequential(nn.Identity(), nn.Embedding(3, 2)), "0") as recorder,
        pytest.raises(DataError, match="'0' passes a Tensor without any floating-point tensor"),
    ):
        recorder.run([torch.zeros(1, 2, dtype=torch.long)], {}, 1, 2)


def test_evaluating_leaves_the_model_as_it_was():
    model = Blocks().train()
    model.conv.eval()
    fused = torch.backends.mha.get_fastpath_enabled()
    with eval_mode(model):
        assert not model.training and not torch.backends.mha.get_fastpath_enabled()
        assert not torch.is_grad_enabled()
    assert model.training and not model.conv.training and model.lstm.training
    assert torch.backends.mha.get_fastpath_enabled() == fused


def test_sites_inside_torchs_own_transformer_are_reached():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    names = ["layers.0", "layers.1.linear1"]
    with eval_mode(model), Recorder(model, names) as recorder:
        found = recorder.run([torch.randn(2, 5, 8)], {}, 2, 5)
    assert found["layers.1.linear1"].shape == (2, 5, 16)
