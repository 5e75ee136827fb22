"""Folders for a model hub, and objects for SAEBench."""

import pytest
import torch
import yaml
from known_codes import make_store

import sparsetime as st
from sparsetime.errors import ConfigError, StoreError
from sparsetime.interop import saebench_module

ROWS = torch.randn(120, 6, generator=torch.Generator().manual_seed(0)) + 1


@pytest.fixture
def sae():
    sae = st.dictionary("batch_topk", d_in=6, width=16, k=3)
    st.dictionaries.init_from_data(sae, ROWS)
    sae.sparsifier.threshold.fill_(0.2)
    sae.provenance = {"model_name": "google/gemma-2-2b", "site": "layer"}
    return sae


@pytest.fixture
def run(sae, tmp_path):
    sae.save(tmp_path / "run")
    store = make_store(tmp_path / "store", ROWS.split(60))
    st.evaluate(sae, store, ["fvu", "l0"], out=tmp_path / "run", progress=False)
    return tmp_path / "run"


def test_the_folder_has_dictionary_card_and_the_format_of_saelens(run, sae, tmp_path):
    out = st.publish(run, "someone/batch", tmp_path / "hub", licence="mit", data="noise")
    names = {path.name for path in (tmp_path / "hub").iterdir()} - {".lock"}
    files = {"README.md", "dictionary.json", "dictionary.safetensors", "evaluation.json", "saelens"}
    assert names == files
    torch.testing.assert_close(st.load(out)(ROWS), sae(ROWS))
    theirs = st.load(tmp_path / "hub/saelens")
    torch.testing.assert_close(theirs(ROWS), sae(ROWS), rtol=1e-4, atol=1e-5)
    card = (tmp_path / "hub/README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "mit"
    assert front["base_model"] == "google/gemma-2-2b"
    assert 'st.load("hf://someone/batch")' in card
    assert "Training data: noise" in card
    assert "BatchTopK SAE (`batch_topk`)" in card
    fvu = st.evaluate(sae, make_store(tmp_path / "s", ROWS.split(60)), ["fvu"], progress=False)
    assert f"| fvu | {fvu['fvu'].value:.4g} |" in card


def test_what_saelens_cannot_express_is_published_without_it(tmp_path):
    sae = st.dictionary("bilinear", d_in=6, width=16, k=3)
    sae.save(tmp_path / "run")
    st.publish(tmp_path / "run", "a/b", tmp_path / "hub", licence="mit")
    assert not (tmp_path / "hub/saelens").exists()
    assert "It was not evaluated" in (tmp_path / "hub/README.md").read_text()


def test_a_repository_has_an_owner_and_a_folder_is_empty(run, tmp_path):
    with pytest.raises(ConfigError, match=r'expected "owner/name"'):
        st.publish(run, "batch", tmp_path / "hub", licence="mit")
    with pytest.raises(StoreError, match="is not empty"):
        st.publish(run, "a/b", run, licence="mit")


def test_saebench_gets_codes_and_outputs_of_the_dictionary(sae):
    module = saebench_module(sae, "gemma-2-2b", hook_layer=3)
    batch = ROWS.reshape(4, 30, 6)
    code = module.encode(batch)
    assert code.shape == (4, 30, 16)
    scale = sae.normalisation.scale
    assert torch.equal(code, sae.encode(batch).dense() * scale)
    torch.testing.assert_close(module(batch), sae(batch), rtol=1e-5, atol=1e-5)
    hidden = (batch - module.b_dec) @ module.W_enc + module.b_enc
    kept = hidden * (hidden > 0.2 * scale)
    torch.testing.assert_close(code, kept, rtol=1e-5, atol=1e-5)
    assert module.check_decoder_norms()
    assert module.cfg.hook_name == "blocks.3.hook_resid_post"
    assert module.cfg.to_dict()["d_sae"] == 16


def test_saebench_moves_the_object_to_its_dtype(sae):
    module = saebench_module(sae, "gpt2", hook_layer=0).to(torch.float64)
    batch = ROWS.double()
    assert module.dtype == module.encode(batch).dtype == torch.float64
    torch.testing.assert_close(module(batch), sae(ROWS).double(), rtol=1e-5, atol=1e-5)


def test_a_transcoder_is_no_sae():
    sae = st.dictionary("transcoder", d_in=6, width=16, k=3)
    with pytest.raises(ConfigError, match="expected a dictionary that reconstructs what it reads"):
        saebench_module(sae, "gpt2", hook_layer=0)
