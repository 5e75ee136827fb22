"""A dictionary of another library, a model and texts become a run that the explorer opens."""

import json
import logging
from types import SimpleNamespace

import pytest
import torch
from fastapi.testclient import TestClient
from interop.peer_files import saelens
from small_model import write_model, write_texts
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app
from sparsetime.errors import ConfigError, MismatchError, StoreError
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.interop import run_of_dictionary

WIDTH = 48


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A model, texts, and a dictionary as SAELens writes one."""
    home = tmp_path_factory.mktemp("theirs")
    write_model(home / "my-model")
    write_texts(home / "texts", 4)
    generator = torch.Generator().manual_seed(0)
    atoms = torch.nn.functional.normalize(torch.randn(WIDTH, 32, generator=generator), dim=1)
    tensors = {
        "W_enc": atoms.T,
        "b_enc": torch.zeros(WIDTH),
        "W_dec": atoms,
        "b_dec": torch.zeros(32),
    }
    metadata = {"model_name": "my-model", "hook_name": "blocks.1.hook_resid_post"}
    config = {"architecture": "topk", "k": 4, "d_in": 32, "d_sae": WIDTH, "metadata": metadata}
    saelens(home / "their-sae", tensors, **config, apply_b_dec_to_input=True)
    return home


@pytest.fixture(scope="module")
def run(home):
    texts = [path.read_text() for path in sorted((home / "texts").iterdir())]
    model = str(home / "my-model")
    path = run_of_dictionary(home / "their-sae", model, texts, home / "run", progress=False)
    assert path == str(home / "run")
    return home / "run"


def test_the_run_holds_activations_dictionary_and_features(run):
    store, sae = st.open_store(run / "activations"), st.load(run / "sae")
    assert sae.provenance["site"] == store.site == "encoder.layer.1"
    assert sae.provenance["format"] == "saelens"
    index = st.open_index(run / "sae/features")
    x = store.sequence(0).values
    density = index.features["density"].to_numpy()
    active = sum(len(sae.encode(store.sequence(i).values).indices) for i in range(4))
    assert density.sum() * len(store) == pytest.approx(active)
    assert len(index.features) == sae.width == WIDTH
    assert sae.encode(x).width == WIDTH


def test_the_explorer_shows_it(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        overview = client.get("/api/run").json()
    (entry,) = overview["dictionaries"]
    assert "sae" in entry["entry"].values()


def test_it_resumes_where_it_is_called_again(run, home):
    before = (run / "sae/features/index.json").read_bytes()
    texts = [path.read_text() for path in sorted((home / "texts").iterdir())]
    run_of_dictionary(home / "their-sae", str(home / "my-model"), texts, run, progress=False)
    assert (run / "sae/features/index.json").read_bytes() == before


def test_another_dictionary_is_refused_before_the_model_runs(run, home):
    saved = (run / "sae/dictionary.json").read_bytes()
    model = str(home / "my-model")
    with pytest.raises(StoreError, match="another dictionary, or the same with other conventions"):
        run_of_dictionary(
            home / "their-sae", model, ["a"], run, subtracts_offset=False, progress=False
        )
    assert (run / "sae/dictionary.json").read_bytes() == saved
    adopted = st.adopt(lambda x: x.relu(), lambda code: code, d_in=32, width=32)
    with pytest.raises(ConfigError, match="got a dictionary of functions"):
        run_of_dictionary(adopted, model, ["a"], home / "new", site="encoder.layer.1")
    assert not (home / "new/activations").exists()


@pytest.mark.parametrize("name", ["blocks.1.hook_resid_post", "layers.3"])
def test_the_run_is_named_after_the_whole_name_of_the_folder(name, home, monkeypatch):
    outs = []
    monkeypatch.setattr(
        "sparsetime.interop.run_of_dictionary",
        lambda *given, site: outs.append(given[3]) or given[3],
    )
    monkeypatch.setattr("sparsetime.explore", lambda *_, **__: SimpleNamespace(url="", wait=list))
    command = ["explore", "--sae", f"hf://owner/repo/{name}/", "--model", str(home / "my-model")]
    result = CliRunner().invoke(app, [*command, "--data", str(home / "texts")])
    assert result.exit_code == 0, result.output
    assert outs == [f"runs/{name}"]


def test_a_dictionary_from_one_site_to_another_keeps_both(home):
    model = str(home / "my-model")
    sae = st.neurons(model, "encoder.layer.1", k=4)
    site = sae.provenance["site"]
    run_of_dictionary(sae, model, ["a few words"], home / "neurons", progress=False)
    assert st.open_store(home / "neurons/activations").site == sae.provenance["reads"]
    assert st.load(home / "neurons/sae").provenance["site"] == site


def test_a_site_of_another_width_or_none_is_refused(home, tmp_path):
    sae = st.load(home / "their-sae")
    model = str(home / "my-model")
    with pytest.raises(MismatchError, match="of 64 dimensions and a dictionary of 32"):
        run_of_dictionary(
            sae, model, ["a"], tmp_path, site="encoder.layer.1.intermediate", progress=False
        )
    sae.provenance.clear()
    with pytest.raises(ConfigError, match="whose files name no site"):
        run_of_dictionary(sae, model, ["a"], tmp_path, progress=False)


def test_the_command_needs_a_run_or_all_it_is_made_of(home):
    runner = CliRunner()
    result = runner.invoke(app, ["explore"])
    assert result.exit_code == 2
    assert "got no run, expected its folder" in result.stderr
    result = runner.invoke(app, ["explore", "--sae", str(home / "their-sae")])
    assert result.exit_code == 2
    assert "got --sae without --model or --data" in result.stderr


def test_convert_says_what_it_wrote_and_which_rule_it_applied(home, tmp_path, caplog):
    theirs = home / "their-sae"
    config = json.loads((theirs / "cfg.json").read_text())
    del config["apply_b_dec_to_input"]
    (tmp_path / "open").mkdir()
    (tmp_path / "open/cfg.json").write_text(json.dumps(config))
    weights = (theirs / "sae_weights.safetensors").read_bytes()
    (tmp_path / "open/sae_weights.safetensors").write_bytes(weights)
    runner = CliRunner()
    with caplog.at_level(logging.WARNING, "sparsetime"):
        result = runner.invoke(app, ["convert", str(tmp_path / "open"), str(tmp_path / "own")])
    assert result.exit_code == 0, result.output
    assert "written in the format of sparsetime" in result.output
    assert "subtracts_offset = True (cfg.json does not say" in caplog.text
    given = ["--set", "subtracts_offset=false", "--force"]
    runner.invoke(app, ["convert", str(tmp_path / "open"), str(tmp_path / "own"), *given])
    assert st.load(tmp_path / "own").encoder.kind == "uncentred"
    result = runner.invoke(app, ["convert", str(tmp_path / "open"), str(tmp_path / "own")])
    assert result.exit_code == 2
    assert "is not empty" in result.stderr
