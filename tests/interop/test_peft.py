"""The adapter for PEFT multiplies what layers write along atoms, and only that."""

import json

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file

import sparsetime as st
from sparsetime.errors import ConfigError, MismatchError, StoreError
from sparsetime.interop import write_peft_adapter
from sparsetime.models.load import load_model

SIZES = {
    **{"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50},
}
MODULES = ["model.layers.0.mlp.down_proj", "model.layers.1.self_attn.o_proj"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return load_model(hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES)).eval())


@pytest.fixture
def sae():
    return st.dictionary("topk", d_in=16, width=32, k=4)


def adapted(folder, model, name):
    """The weights of a layer with the adapter, as PEFT merges it."""
    config = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_file(folder / "adapter_model.safetensors")
    a, b = (tensors[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
    assert len(tensors) == 2 * len(config["target_modules"])
    weight = dict(model.model.named_modules())[name].weight
    return weight + config["lora_alpha"] / config["r"] * b @ a


@pytest.mark.parametrize("factor", [0.0, 3.0])
@torch.no_grad()
def test_what_layers_write_along_the_atoms_is_multiplied(sae, model, tmp_path, factor):
    write_peft_adapter(tmp_path / "a", sae, [3, 7, 3], model, MODULES, factor=factor)
    atoms = sae.atoms[[3, 7]]
    basis = torch.linalg.qr(atoms.T).Q
    for name in MODULES:
        before = dict(model.model.named_modules())[name].weight
        after = adapted(tmp_path / "a", model, name)
        torch.testing.assert_close(atoms @ after, factor * atoms @ before, rtol=1e-4, atol=1e-5)
        rest = torch.eye(16) - basis @ basis.T
        torch.testing.assert_close(rest @ after, rest @ before, rtol=1e-4, atol=1e-5)


def test_what_is_refused(sae, model, tmp_path):
    out = tmp_path / "a"
    for latents, modules in (([], MODULES), ([32], MODULES), ([1], [])):
        with pytest.raises(ConfigError, match="expected some of the 32 latents"):
            write_peft_adapter(out, sae, latents, model, modules)
    with pytest.raises(ConfigError, match=r"got the module 'model\.norm'"):
        write_peft_adapter(out, sae, [1], model, ["model.norm"])
    with pytest.raises(MismatchError, match="with 32 outputs and atoms of 16"):
        write_peft_adapter(out, sae, [1], model, ["model.layers.0.mlp.up_proj"])
    biased = load_model(torch.nn.Sequential(torch.nn.Linear(4, 16)))
    with pytest.raises(ConfigError, match="a linear layer without bias"):
        write_peft_adapter(out, sae, [1], biased, ["0"])
    assert not out.exists()
    write_peft_adapter(out, sae, [1], model, MODULES)
    with pytest.raises(StoreError, match="force"):
        write_peft_adapter(out, sae, [1], model, MODULES)
