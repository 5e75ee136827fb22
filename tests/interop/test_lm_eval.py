"""The steering file of lm-eval adds what the dictionary's atoms say, at the module of its site."""

import pytest
import torch
import transformers as hf

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.interop import write_lm_eval_steering
from sparsetime.models.load import load_model

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 50,
}


@pytest.fixture
def sae():
    sae = st.dictionary("topk", d_in=16, width=32, k=4)
    sae.normalisation.scale.fill_(3.0)
    sae.provenance = {"site": "model.layers.1"}
    return sae


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return load_model(hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES)).eval())


@torch.no_grad()
def test_the_file_adds_atoms_in_raw_units(sae, model, tmp_path):
    path = write_lm_eval_steering(tmp_path / "steer.pt", sae, {3: 2.0, 7: -1.0}, model)
    file = torch.load(path, weights_only=True)
    (hookpoint,) = file
    entry = file[hookpoint]
    assert (entry["action"], entry["bias"], entry["head_index"]) == ("add", None, None)
    # As lm-eval does: a hook on the module of that name below base_model.
    tokens, seen = torch.arange(6)[None], {}
    layer = dict(model.model.base_model.named_modules())[hookpoint]
    assert layer is model.model.model.layers[1]

    def add(module, args, output):
        first = output[0] if isinstance(output, tuple) else output
        steered = first + entry["steering_vector"] * entry["steering_coefficient"]
        seen.update(before=first, after=steered)

    handle = layer.register_forward_hook(add)
    model.model(tokens)
    handle.remove()
    added = 3.0 * (2.0 * sae.atoms[3] - sae.atoms[7])
    torch.testing.assert_close(seen["after"] - seen["before"], added.expand(1, 6, 16),
                               rtol=1e-4, atol=1e-5)  # fmt: skip


@pytest.mark.parametrize(
    ("site", "latents", "name", "message"),
    [
        ("model.layers.1:input", {1: 1.0}, "s.pt", "expected the output of a module within"),
        ("lm_head", {1: 1.0}, "s.pt", "expected the output of a module within"),
        ("model.layers.1", {40: 1.0}, "s.pt", r"got latents \[40\], expected some of the 32"),
        ("model.layers.1", {}, "s.pt", "expected some of the 32"),
        ("model.layers.1", {1: 1.0}, "s.csv", "expected a file that ends in .pt"),
    ],
)
def test_what_lm_eval_does_not_steer_is_refused(sae, model, tmp_path, site, latents, name, message):
    sae.provenance = {"site": site}
    with pytest.raises(ConfigError, match=message):
        write_lm_eval_steering(tmp_path / name, sae, latents, model)
