"""Live: a text or a series run through the model of a run, chunk by chunk."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from small_model import write_model
from torch import nn

import sparsetime
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench import live
from sparsetime.explorer.workbench.live import Live, LiveInput, play
from sparsetime.explorer.workbench.logit_effects import logit_effects
from sparsetime.explorer.workbench.workbench import Workbench

TEXT = "The river carries the morning, a clock repeats every number. " * 30


def index_of(run, store, d, sae=None):
    sae = sae or sparsetime.dictionary("topk", d_in=d, width=64, k=4)
    sae = sparsetime.train(sae, store, out=str(run / "topk"), rows=2000, batch=64, show=False)
    sparsetime.index(sae.dictionary, store, out=run / "topk" / "features", progress=False)


@pytest.fixture(scope="module")
def text_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    write_model(folder / "model")
    store = sparsetime.capture(
        str(folder / "model"), [TEXT], "encoder.layer.0", folder / "run" / "activations",
        window=64, overlap=16, progress=False,
    )  # fmt: skip
    index_of(folder / "run", store, 32)
    return folder / "run"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.gru = nn.GRU(2, 8, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


@pytest.fixture(scope="module")
def series_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    values = torch.randn(3, 200, 2, generator=torch.Generator().manual_seed(0))
    store = sparsetime.capture(Net(), values, "gru", folder / "activations", progress=False)
    index_of(folder, store, 8)
    return folder


def test_a_text_played_live_is_the_code_of_its_capture(text_run):
    workbench = Workbench(text_run)
    chunks = list(play(workbench.opened, workbench.live, "topk", LiveInput(text=TEXT)))
    assert len(chunks) > 1, "it unrolls"
    assert [chunk.first for chunk in chunks] == list(
        np.cumsum([0, *(len(chunk.words) for chunk in chunks[:-1])])
    )
    kept = workbench.opened.code("topk", 0)
    found = [step for chunk in chunks for step in chunk.features]
    parts = np.split(kept.indices.numpy(), kept.offsets.numpy()[1:-1])
    agree = [set(a) == set(b.tolist()) for a, b in zip(found, parts, strict=True)]
    assert np.mean(agree) > 0.99  # the batch of a pass may turn the last bit
    words = workbench.opened.document("topk", 0)
    assert [w for chunk in chunks for w in chunk.words] == words.words
    assert [g for chunk in chunks for g in chunk.gaps] == words.gaps
    met = [each.feature for chunk in chunks for each in chunk.known]
    assert sorted(met) == sorted({f for step in found for f in step})


def test_a_series_played_live_is_the_code_of_its_capture(series_run):
    workbench = Workbench(series_run, Net())
    values = torch.randn(3, 200, 2, generator=torch.Generator().manual_seed(0))[1].tolist()
    chunks = list(play(workbench.opened, workbench.live, "topk", LiveInput(values=values)))
    kept = workbench.opened.code("topk", 1)
    assert [f for c in chunks for step in c.features for f in step] == kept.indices.tolist()
    assert all(0 < s <= 100 for c in chunks for step in c.strengths for s in step)


def test_the_model_is_loaded_only_for_a_live_view(text_run, monkeypatch):
    loaded = []
    monkeypatch.setattr(
        "sparsetime.models.load._from_transformers", lambda *a, **k: loaded.append(a) or 1 / 0
    )
    workbench = Workbench(text_run)
    with TestClient(make_app(workbench), base_url="http://localhost") as client:
        assert client.get("/api/run").status_code == 200
        assert loaded == []
        with pytest.raises(ZeroDivisionError):
            client.post("/api/dictionaries/topk/live", json={"text": "the river"})
    assert len(loaded) == 1


def test_live_over_http_streams_lines_and_refuses_in_words(text_run):
    with TestClient(make_app(Workbench(text_run)), base_url="http://localhost") as client:
        answer = client.post("/api/dictionaries/topk/live", json={"text": TEXT})
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert len(lines) > 1 and lines[0]["words"][:2] == ["The", "river"]
        answer = client.post("/api/dictionaries/topk/live", json={"text": "x" * 20_001})
        assert answer.status_code == 400
        assert "20,001 characters; at most 20,000" in answer.json()["error"]


def test_an_error_on_the_way_is_the_last_line(text_run, monkeypatch):
    def broken(*_):
        yield live.LiveChunk(first=0, words=[], gaps=[], features=[], strengths=[], known=[])
        raise DataError("the model made NaN")

    monkeypatch.setattr(live, "play", broken)
    with TestClient(make_app(Workbench(text_run)), base_url="http://localhost") as client:
        answer = client.post("/api/dictionaries/topk/live", json={"text": "x"})
        assert json.loads(answer.text.splitlines()[-1]) == {"error": "the model made NaN"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (LiveInput(), "either a text or a series"),
        (LiveInput(text="a", values=((1.0,),)), "either a text or a series"),
        (LiveInput(values=((1.0, 2.0), (1.0,))), "rows of 1, 2"),
        (LiveInput(values=((float("inf"), 0.0),)), "no finite number"),
        (LiveInput(values=((0.0,),) * 200_001), "more than 200,000 numbers"),
        (LiveInput(text="a text"), "came without a tokenizer"),
    ],
)
def test_what_cannot_be_run_is_said(series_run, given, said):
    workbench = Workbench(series_run, Net())
    with pytest.raises(DataError, match=said):
        list(play(workbench.opened, workbench.live, "topk", given))


def test_a_model_that_is_not_here_is_said(series_run):
    workbench = Workbench(series_run, "/no/such/folder")
    with pytest.raises(ConfigError, match=r"'Net' of this run cannot be loaded here.*--model"):
        next(play(workbench.opened, workbench.live, "topk", LiveInput(values=((0.0, 0.0),))))


def test_without_a_model_the_way_to_name_one_comes_first(series_run):
    """The run is of a module, whose class no hub knows."""
    workbench = Workbench(series_run)
    with pytest.raises(ConfigError, match=r"^to run something live.*start it with.*--model") as why:
        next(play(workbench.opened, workbench.live, "topk", LiveInput(values=((0.0, 0.0),))))
    assert "the model 'Net' of this run cannot be loaded here" in str(why.value)


def test_another_model_is_refused(series_run):
    other = Net()
    with torch.no_grad():
        other.gru.weight_ih_l0 += 1
    workbench = Workbench(series_run, other)
    with pytest.raises(MismatchError, match="other weights than the one that this run was"):
        next(play(workbench.opened, workbench.live, "topk", LiveInput(values=((0.0, 0.0),))))


class Speaker(Net):
    """The same states under an unembedding."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 5, bias=False)

    def get_output_embeddings(self):
        return self.head


def test_what_a_feature_writes_is_its_atom_through_the_unembedding(tmp_path):
    model = Speaker()
    values = torch.randn(2, 100, 2, generator=torch.Generator().manual_seed(0))
    store = sparsetime.capture(model, values, "gru", tmp_path / "activations", progress=False)
    index_of(tmp_path, store, 8)
    workbench = Workbench(tmp_path, model)
    found = logit_effects(workbench.opened, Live(model), "topk", 3)
    logits = model.head.weight.detach() @ workbench.opened.atoms("topk")[3]
    logits = logits - logits.mean()
    assert found.raised[0].token == f"token {int(logits.argmax())}"
    assert found.raised[0].logit == pytest.approx(float(logits.max()), abs=1e-5)
    assert found.lowered[0].logit == pytest.approx(float(logits.min()), abs=1e-5)


def test_a_model_without_an_unembedding_writes_nothing(series_run):
    workbench = Workbench(series_run, Net())
    with pytest.raises(DataError, match="has no unembedding"):
        logit_effects(workbench.opened, workbench.live, "topk", 3)
