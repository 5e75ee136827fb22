"""Explanations by a language model: parsing, tests, budget, cache, an endpoint, a local model."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from known_codes import Itself, make_store
from planted_text import ON_CAT, QUOTED_DOG, RANDOM, planted_texts
from typer.testing import CliRunner

import sparsetime as st
from sparsetime import seeds
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DataError
from sparsetime.explanations.language_models.explanation_tests import Material, auroc, fuzzing
from sparsetime.explanations.language_models.parsing import (
    parsed_choice,
    parsed_explanation,
    parsed_numbers,
)
from sparsetime.explanations.language_models.passages import FeaturePassage


class Reads:
    """Answers as a model would that has understood "the word cat", from the prompt alone."""

    name = "reads"

    def __init__(self, nonsense=False):
        self.prompts, self.nonsense = [], nonsense

    def __call__(self, prompt):
        self.prompts.append(prompt)
        if "begins with 'Explanation:'" in prompt:
            marked = re.findall("<<(.*?)>>", prompt)
            return f"Explanation: the word {max(set(marked), key=marked.count)}"
        if self.nonsense:
            return "I cannot say."
        word = re.search(r"active on: the word (\w+)", prompt)
        texts = re.findall(r"^\d+\. (.*)$", prompt, re.MULTILINE)
        if word is None:  # the intruder is the one with other marks
            right = ["<<cat>>" in text for text in texts]
            return str(right.index(False) + 1)
        word = word.group(1)
        if "consecutive" in prompt:
            return str([9 * (text == word) for text in texts])
        if "marked" in prompt:
            marks = [set(re.findall("<<(.*?)>>", text)) for text in texts]
            return str([int(one == {word}) for one in marks])
        return f"Here: {[int(word in text.split()) for text in texts]}"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return planted_texts(tmp_path_factory.mktemp("llm"))


def row_of(table, feature, name="reads"):
    return next(row for row in table.rows(feature) if row["explainer"] == name)


def test_a_model_that_understands_scores_one_and_exchanged_texts_do_not(own):
    index, store = own
    table = st.explain(index, store, [ON_CAT, RANDOM], by=Reads(), progress=False)
    row = row_of(table, ON_CAT)
    assert row["text"] == "the word cat"
    for name in ("accuracy", "fuzzing", "intruder", "simulation", "timing"):
        assert row[name] == pytest.approx(1, abs=0.05), name  # values vary, answers do not
    assert row["swapped"] < 0.8 and row["unanswered"] == 0
    assert table.about["reads"]["halves"].startswith("explanations chosen on")
    assert index.column("explanation").to_pylist()[ON_CAT] == "the word cat"


def test_rules_stay_beside_texts_and_the_cache_saves_calls(own):
    index, store = own
    st.explain(index, store, [ON_CAT], moments=100, progress=False)
    reads = Reads()
    table = st.explain(index, store, [ON_CAT, RANDOM], by=reads, progress=False)
    assert reads.prompts == [], "answered from the cache"
    assert {row["explainer"] for row in table.rows(ON_CAT)} == {"reads", "rules"}
    assert table.about["reads"]["calls"] == 0 < table.about["reads"]["cached"]


def test_nonsense_is_no_answer_and_is_reported(own):
    index, store = own
    reads = Reads(nonsense=True)
    reads.name = "nonsense"
    table = st.explain(index, store, [ON_CAT], by=reads, progress=False)
    row = row_of(table, ON_CAT, "nonsense")
    assert row["accuracy"] is None and row["fuzzing"] is None
    assert row["unanswered"] == 4 == table.about["nonsense"]["unanswered"]
    mute = type("Mute", (), {"name": "mute", "__call__": lambda self, prompt: "cats"})()
    table = st.explain(index, store, [ON_CAT], by=mute, progress=False)
    assert table.about["mute"]["unanswered"] == 1
    assert "mute" not in {row["explainer"] for row in table.rows(ON_CAT)}


def test_a_spent_budget_keeps_what_was_explained(own):
    index, store = own
    reads = Reads()
    reads.name = "frugal"
    table = st.explain(index, store, [ON_CAT, QUOTED_DOG], by=reads, budget=3, progress=False)
    assert len(reads.prompts) == 3 and table.about["frugal"]["budget_spent"]
    assert row_of(table, ON_CAT, "frugal")["text"] == "the word cat"


def test_embeddings_and_surprisal_are_tests_too(own):
    index, store = own
    reads = Reads()
    reads.name = "more"

    def embed(texts):
        return np.array([[text.split().count("cat") + 0.1, 1.0] for text in texts])

    def nats(prefix, text):
        return 10 - 3.0 * ("cat" in prefix and "cat" in text.split())

    tests = st.explanations.ModelTests(asked=(), embed=embed, surprisal=nats)
    table = st.explain(index, store, [ON_CAT], by=reads, tests=tests, progress=False)
    row = row_of(table, ON_CAT, "more")
    assert row["embedding"] == row["surprisal"] == 1
    with pytest.raises(ConfigError, match="got the test 'spelling', expected one of detection"):
        st.explanations.ModelTests(asked=("spelling",))


def test_a_dry_run_asks_nothing(own):
    index, store = own
    prompts = st.explanations.prompts(index, store, [ON_CAT])
    assert len(prompts) == 1 and "<<cat>>" in prompts[0]
    result = CliRunner().invoke(
        app,
        ["explain", "--index", index.path, "--store", store.path, "--feature", "0", "--dry-run"],
    )
    assert result.exit_code == 0 and "<<cat>>" in result.output
    assert "1 prompts for explanations" in result.output


def test_a_silent_feature_is_not_asked_about(tmp_path):
    store = make_store(tmp_path / "store", [np.diag([1.0, 1.0, 0.0])] * 4, texts=["a b cat"] * 4)
    index = st.index(Itself(3), store, tmp_path / "index", progress=False)
    assert len(st.explanations.prompts(index, store, [1, 2])) == 1
    reads = Reads()
    table = st.explain(index, store, [2], by=reads, progress=False)
    assert reads.prompts == [] and table.about["reads"]["unanswered"] == 0


def test_one_passage_cannot_be_fuzzed():
    words = ("a", "cat")
    passage = FeaturePassage(np.arange(2), words, ("", " "), np.array([0.0, 1.0]))
    material = Material([passage], [], seeds.numpy_generator(0, "random choice"))
    assert np.isnan(fuzzing("the word cat", material, lambda prompt: "[1]"))


def test_the_key_of_an_endpoint_comes_from_the_environment(own, address, monkeypatch):
    index, store = own
    Server.seen.clear()
    common = ["explain", "--index", index.path, "--store", store.path, "--feature", "0"]
    asked = [*common, "--url", address, "--language-model", "keyed", "--key-variable", "OWN_KEY"]
    monkeypatch.delenv("OWN_KEY", raising=False)
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 2 and "--key-variable OWN_KEY, which is not set" in result.output
    result = CliRunner().invoke(app, [*common, "--key-variable", "OWN_KEY"])
    assert result.exit_code == 2 and "--key-variable without --url" in result.output
    monkeypatch.setenv("OWN_KEY", "secret")
    result = CliRunner().invoke(app, [*asked, "--budget", "1"])
    assert result.exit_code == 0 and "secret" not in result.output, result.output
    assert [seen[2] for seen in Server.seen] == ["Bearer secret"]


def test_what_cannot_explain_is_refused(own):
    index, store = own
    with pytest.raises(ConfigError, match="got by='gpt', expected 'rules' or a function"):
        st.explain(index, store, [ON_CAT], by="gpt", progress=False)
    with pytest.raises(ConfigError, match="expected http:// or https://"):
        st.explanations.Endpoint("localhost:8000", "m")


def test_answers_are_parsed_strictly():
    assert parsed_explanation("Sure!\nExplanation: cats ") == "cats"
    assert parsed_explanation("cats") is None
    assert parsed_explanation("Explanation: " + "x" * 400) is None
    assert parsed_numbers("Answer: [1, 0,1]", 3, 1) == [1, 0, 1]
    for wrong in ("[1, 0]", "[1, 0, 2]", "[1,0,1] or [0,0,0]", "1 0 1", "[1,,1]", ""):
        assert parsed_numbers(wrong, 3, 1) is None, wrong
    assert parsed_choice(" 3.", 4) == 3
    assert parsed_choice("5", 4) is None and parsed_choice("passage 3", 4) is None


def test_auroc_counts_ties_half():
    assert auroc(np.array([3.0, 1, 2, 2]), np.array([True, False, False, True])) == 0.875
    assert np.isnan(auroc(np.array([1.0]), np.array([True])))


class Server(BaseHTTPRequestHandler):
    """Answers as an OpenAI-compatible endpoint; `broken` answers fail first."""

    broken = 0
    seen: list = []  # noqa: RUF012  cleared by the test

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append((self.path, body, self.headers.get("Authorization")))
        if type(self).broken:
            type(self).broken -= 1
            self.send_error(503)
            return
        if body["model"] == "absent":
            self.send_error(404, "no such model")
            return
        answer = {"choices": [{"message": {"content": "Explanation: cats"}}]}
        data = json.dumps({} if body["model"] == "odd" else answer).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_endpoint_is_asked_and_asked_again(address, monkeypatch):
    monkeypatch.setattr("sparsetime.explanations.language_models.endpoint._WAIT", 0.0)
    Server.seen.clear()
    Server.broken = 2
    ask = st.explanations.Endpoint(address, "m", key="k")
    assert ask("hello") == "Explanation: cats"
    path, body, authorisation = Server.seen[-1]
    assert len(Server.seen) == 3 and path == "/v1/chat/completions"
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert authorisation == "Bearer k"
    assert "'k'" not in repr(ask), "a key is not printed"
    with pytest.raises(DataError, match="answered 404 no such model for the model 'absent'"):
        st.explanations.Endpoint(address, "absent")("hello")
    with pytest.raises(DataError, match="is it an OpenAI-compatible endpoint"):
        st.explanations.Endpoint(address, "odd")("hello")
    with pytest.raises(DataError, match="cannot be reached after 1 tries"):
        st.explanations.Endpoint("http://127.0.0.1:9", "m", tries=1)("hello")
