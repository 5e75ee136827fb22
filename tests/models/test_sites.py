import pytest
import torch
from torch import nn
from toy_models import Blocks, bert, bert_folder, gpt2, llama
from transformers import WhisperConfig, WhisperModel

from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.models.sites import Site, resolve_site, sites


@pytest.mark.parametrize(
    ("make", "path"),
    [(bert, "encoder.layer.2"), (gpt2, "h.1.mlp"), (llama, "layers.1.self_attn.o_proj")],
)
def test_a_language_model_lists_its_sites_with_shapes(make, path):
    found = {site.path: site for site in sites(make())}
    assert found[path].output_shape == (1, 8, 16)
    assert found[path].kind == type(make().get_submodule(path)).__name__


def test_sites_of_a_folder(tmp_path):
    found = {site.path: site for site in sites(str(bert_folder(tmp_path)))}
    assert found["encoder.layer.0.intermediate.dense"] == Site(
        "encoder.layer.0.intermediate.dense", "Linear", (1, 8, 32), (1, 8, 16)
    )


def test_any_module_lists_its_sites_with_a_sample():
    found = {site.path: site for site in sites(Blocks(), torch.zeros(2, 5, 3))}
    assert list(found) == [".", "enter", "lstm", "conv", "boxed", "swapped", "relu", "idle"]
    assert found["."].input_shape == (2, 5, 3) and found["."].output_shape == (2, 5, 8)
    assert found["lstm"].output_shape == (2, 5, 8)
    assert found["boxed"].output_shape == (2, 5, 8)
    assert found["conv"].output_shape == (2, 6, 5)
    assert found["swapped"].output_shape == (5, 2, 5)
    assert found["idle"].output_shape is None
    assert all(site.output_shape is None for site in sites(Blocks()))
    named = sites(bert(), {"input_ids": torch.zeros(2, 3, dtype=torch.long)})
    assert named[0].output_shape == (2, 3, 16)


def test_names_choose_the_side():
    model = bert()
    assert resolve_site(model, "encoder.layer.1") == resolve_site(model, "encoder.layer.1:output")
    site = resolve_site(model, "encoder.layer.1:input")
    assert (site.path, site.side, site.name) == (
        "encoder.layer.1",
        "input",
        "encoder.layer.1:input",
    )
    assert site.folder == "encoder.layer.1.input"
    assert (
        resolve_site(model, ".").module_path == ""
        and resolve_site(model, ".").folder == "whole_model"
    )


def test_a_module_at_two_paths_is_listed_at_both():
    shared = nn.Linear(2, 2)
    model = nn.ModuleDict({"a": shared, "b": shared})
    assert [site.path for site in sites(model)] == [".", "a", "b"]


def test_a_wrong_site_names_the_closest():
    with pytest.raises(UnknownNameError) as caught:
        resolve_site(bert(), "encoder.layers.2")
    assert str(caught.value) == (
        "unknown site 'encoder.layers.2': did you mean 'encoder.layer.2' or 'encoder.layer.1' or "
        "'encoder.layer.0'? `sparsetime sites MODEL` lists them all."
    )
    with pytest.raises(ConfigError, match="ends in 'out'; behind the colon stands 'input' or"):
        resolve_site(bert(), "encoder.layer.1:out")


def test_a_sample_that_does_not_fit_is_explained():
    with pytest.raises(DataError, match="the model cannot run on the sample: "):
        sites(Blocks(), torch.zeros(2, 5, 4))


def test_names_without_shapes_where_a_made_up_sample_fails():
    """Tokens are no input of a speech model, and what it raises is its own affair."""
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 20}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    speech = WhisperModel(WhisperConfig(**sizes, **heads, **ends))
    found = sites(speech)
    assert "encoder.layers.0" in {site.path for site in found}
    assert all(site.output_shape is None for site in found)


@pytest.mark.parametrize("error", [KeyError("mel"), ZeroDivisionError(), AssertionError("no")])
def test_whatever_a_model_raises_is_explained(error):
    class Raises(nn.Module):
        def forward(self, x):
            raise error

    with pytest.raises(DataError, match="the model cannot run on the sample: "):
        sites(Raises(), torch.zeros(1, 2))
