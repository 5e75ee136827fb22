import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from toy_models import Blocks, bert, bert_folder, gpt2, llama

from sparsetime.errors import ConfigError
from sparsetime.models.load import (
    LoadedModel,
    load_model,
    longest_input,
    vocabulary_size,
)
from sparsetime.models.model_hash import model_hash
from sparsetime.models.weight_hash import weight_hash


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("model") / "bert")


def test_a_folder_brings_its_tokenizer_and_the_hash_of_its_weights(folder):
    loaded = load_model(folder)
    assert loaded.name == str(folder)
    assert loaded.tokenizer("time runs")["input_ids"] == [2, 5, 6, 3]
    assert not loaded.model.training
    assert loaded.revision_or_hash == model_hash(bert()) == model_hash(loaded.model)
    weights = loaded.revision_or_hash.partition("+")[0]
    assert weights == weight_hash(bert()) == weight_hash(loaded.model)


def test_a_module_passes_through_untouched():
    module = Blocks().train()
    loaded = load_model(module)
    assert loaded.model is module and module.training
    assert loaded.tokenizer is None and loaded.name == "Blocks"
    assert load_model(loaded) is loaded
    assert load_model(loaded, tokenizer="mine").tokenizer == "mine"
    assert load_model(module, device="cpu").model is module


def test_a_folder_without_tokenizer_files_gives_none(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folder / name, tmp_path)
    assert load_model(tmp_path).tokenizer is None


def test_the_hash_differs_by_values_names_shapes_and_dtypes():
    torch.manual_seed(0)
    one = nn.Linear(2, 2, bias=False)
    other = nn.Linear(2, 2, bias=False)
    other.load_state_dict(one.state_dict())
    assert weight_hash(one) == weight_hash(other)
    hashes = {weight_hash(one), weight_hash(nn.Sequential(other)), weight_hash(nn.ReLU())}
    hashes.add(weight_hash(nn.Linear(4, 1, bias=False)))
    with torch.no_grad():
        other.weight[0, 0] += 1
    hashes |= {weight_hash(other), weight_hash(other.bfloat16())}
    assert len(hashes) == 6


def test_limits_of_input_and_vocabulary():
    assert (longest_input(bert()), vocabulary_size(bert())) == (24, 11)
    assert (longest_input(gpt2()), vocabulary_size(gpt2())) == (32, 50)
    assert (longest_input(llama()), vocabulary_size(llama())) == (32, 50)
    assert longest_input(Blocks()) is None and vocabulary_size(Blocks()) is None
    assert vocabulary_size(nn.Sequential(nn.Embedding(7, 2))) == 7


def test_roberta_reserves_positions_for_padding():
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=10,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=18,
        pad_token_id=1,
    )
    assert longest_input(RobertaModel(config)) == 16


def test_what_cannot_be_loaded_is_explained(tmp_path):
    with pytest.raises(ConfigError, match=r"the folder './nowhere' does not exist. Give a folder"):
        load_model("./nowhere")
    with pytest.raises(ConfigError, match=r"has no config.json. Give the folder that save_pretr"):
        load_model(tmp_path)
    with pytest.raises(ConfigError, match=r"could not load a model from 'no-such-model-here'"):
        load_model("no-such-model-here")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ConfigError, match=r"transformers could not load a model from .*weights"):
        load_model(tmp_path)
    with pytest.raises(ConfigError, match=r"'bias' is on the meta device and has no values"):
        weight_hash(nn.Linear(2, 2, device="meta"))


def test_a_broken_tokenizer_is_an_error_and_not_none(folder, tmp_path):
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        shutil.copy(folder / name, tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ConfigError, match=r"the tokenizer in .* could not be loaded: "):
        load_model(tmp_path)


def test_loaded_models_are_frozen():
    loaded = LoadedModel(nn.ReLU(), None, "relu", "0")
    with pytest.raises(AttributeError):
        loaded.name = "other"
