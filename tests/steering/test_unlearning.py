"""st.unlearn changes weights so that chosen features fire less, and nothing else."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from steered_models import SITES, language_model, small_dictionary
from torch import nn

import sparsetime as st
from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.steering.unlearning.low_rank_update import LowRankUpdate

SITE = SITES[0]
FORGET = torch.tensor([[7, 3, 9, 7, 3, 9, 7, 3]] * 8)
KEEP = torch.tensor([[1, 2, 4, 5, 1, 2, 4, 5]] * 8)
SETTINGS = {
    "window": 8, "windows": 8, "steps": 30, "batch": 4, "learning_rate": 2e-2, "progress": False,
    "count": 3, "ratio": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def unlearned():
    model = language_model()
    sae = small_dictionary("topk", 1, 0.1, k=12)
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    made = st.unlearn(model, {SITE: sae}, FORGET, KEEP, **SETTINGS)
    assert all(torch.equal(before[name], v) for name, v in model.model.state_dict().items())
    return model, made


def test_features_fire_less_without_hooks(unlearned):
    model, made = unlearned
    before, after = made.measured["activation"]
    assert after < 0.5 * before
    assert len(made.features[SITE]) == 3
    changed = [
        name
        for (name, old), new in zip(
            model.model.state_dict().items(), made.model.state_dict().values(), strict=True
        )
        if not torch.equal(old, new)
    ]
    assert changed == ["model.layers.0.mlp.down_proj.weight"]
    assert not any(module._forward_hooks for module in made.model.modules())


def test_the_change_of_weights_has_the_rank(unlearned):
    model, made = unlearned
    ((path, (down, up)),) = made.factors.items()
    old, new = (m.get_submodule(path).weight for m in (model.model, made.model))
    assert torch.allclose(new - old, up @ down, atol=1e-6)
    assert torch.linalg.matrix_rank(new - old, rtol=1e-3) <= made.rank == 4


def test_saved_weights_and_adapter_are_the_change(unlearned, tmp_path):
    _, made = unlearned
    made.save(tmp_path / "weights")
    stored = load_file(tmp_path / "weights" / "model.safetensors")
    for name, value in stored.items():
        assert torch.equal(value, made.model.state_dict()[name])
    assert json.loads((tmp_path / "weights" / "config.json").read_text())["architectures"]
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "weights").eval()
    with torch.no_grad():
        assert torch.allclose(loaded(FORGET).logits, made.model.eval()(FORGET).logits, atol=1e-5)
    made.save_adapter(tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 4, 4)
    assert config["target_modules"] == ["model.layers.0.mlp.down_proj"]
    factors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    key = "base_model.model.model.layers.0.mlp.down_proj.lora_{}.weight"
    ((down, up),) = made.factors.values()
    assert torch.equal(factors[key.format("A")], down)
    assert torch.equal(factors[key.format("B")], up)


def test_salient_features_fire_more_on_the_target():
    target = SparseCode.from_dense(torch.tensor([[1.0, 1, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]]))
    other = SparseCode.from_dense(torch.tensor([[1.0, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 0]]))
    assert st.steering.salient_features(target, other, 2).tolist() == [1]
    with pytest.raises(DataError, match="no feature fires 2 times as often"):
        st.steering.salient_features(other.keep(other.indices == 3), other, 2)
    with pytest.raises(ConfigError, match=r"got count=0 and ratio=2\.0"):
        st.steering.salient_features(target, other, 0)


def test_settings_out_of_range_are_refused(unlearned):
    model, _ = unlearned
    sae = small_dictionary("topk", 1, 0.1, k=12)

    def refused(error, match, forget=FORGET, **settings):
        with pytest.raises(error, match=match):
            st.unlearn(model, {SITE: sae}, forget, KEEP, **{**SETTINGS, **settings})

    refused(ConfigError, "got steps=0", steps=0)
    refused(ConfigError, "got keep_weight=-1", keep_weight=-1)
    refused(ConfigError, "got rank=40", rank=40)
    refused(ConfigError, r"got features \[40\] at 'model.layers.0'", features=[40])
    refused(DataError, "got 2 windows of the data to forget", forget=FORGET[:2])
    refused(UnknownNameError, "unknown module 'mlp'", modules=["mlp"])
    refused(ConfigError, "a LlamaMLP, expected a torch.nn.Linear", modules=["model.layers.0.mlp"])
    with pytest.raises(ConfigError, match="has no linear map to fewer dimensions"):
        st.unlearn(model, {f"{SITE}.self_attn": sae}, FORGET, KEEP, **SETTINGS)


def test_an_update_acts_while_it_is_applied_and_when_merged():
    linear = nn.Sequential(nn.Linear(6, 4))
    update = LowRankUpdate(linear, ["0"], 2)
    x = torch.linspace(-1, 1, 12).reshape(2, 6)
    plain = linear(x)
    with torch.no_grad():
        update.up[0].fill_(0.5)
    with update.applied():
        changed = linear(x)
    assert torch.equal(linear(x), plain)
    update.merge_into(linear)
    assert torch.allclose(linear(x), changed, atol=1e-6)
    assert not np.allclose(changed.detach(), plain.detach())
