"""What steering refuses, in words and before any work."""

import sys

import pytest
import torch
from steered_models import SITES, Recurrent, language_model, small_dictionary
from transformers import GenerationConfig, StaticCache

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError
from sparsetime.models.model_hash import model_hash

TOKENS = torch.tensor([[7, 3, 9, 0, 1, 2]])


@pytest.fixture(scope="module")
def model():
    return language_model()


@pytest.fixture(scope="module")
def sae():
    return small_dictionary("topk", 1, 0.1, k=12)


def test_features_and_edits(model, sae):
    given = {SITES[0]: sae}
    with pytest.raises(
        ConfigError, match=r"feature 32 at the site .*, expected a number from 0 to 31"
    ):
        st.steer(model, given, {SITES[0]: {32: 1.0}})
    with pytest.raises(ConfigError, match="feature 40"):
        st.steer(model, given, {SITES[0]: {3: st.edits.swap(40)}})
    with pytest.raises(ConfigError, match="edits without sites"):
        st.steer(model, given, {3: 1.0})
    with pytest.raises(ConfigError, match="without a sample; give data="):
        st.ablate(model, given, {SITES[0]: [3]}, by="mean")
    with pytest.raises(ConfigError, match="without a sample; give data="):
        st.ablate(model, given, {SITES[0]: [3]}, by="mean", data={"layers.0": torch.ones(4, 16)})
    with pytest.raises(ConfigError, match="units='peak' without an index"):
        st.steer(model, given, {SITES[0]: {3: 1.0}}, units="peak")
    with pytest.raises(ConfigError, match="expected 'zero', 'mean' or 'resample'"):
        st.edits.ablate("median")


def test_dictionaries_of_another_model_or_site(model, sae):
    with pytest.raises(ConfigError, match="provenance names no site"):
        st.steer(model, sae, {3: 1.0})
    other = small_dictionary("topk", 1, 0.1, k=12)
    other.provenance = {"site": SITES[1], "model_hash": "abc", "model_name": "another"}
    named = st.models.load_model(model.model)
    with pytest.raises(MismatchError, match=r"dictionary of a model with hash abc.*\(another\)"):
        st.steer(named, other, {3: 1.0})
    other.provenance = {"site": SITES[1]}
    with pytest.raises(MismatchError, match=f"trained at '{SITES[1]}'"):
        st.steer(model, {SITES[0]: other}, {SITES[0]: {3: 1.0}})
    with pytest.raises(UnknownNameError, match="unknown site"):
        st.steer(model, {"model.layers.7": sae}, {"model.layers.7": {3: 1.0}})
    transcoder = small_dictionary("transcoder", 1, 0.1, d_out=16, k=4)
    with pytest.raises(ConfigError, match="reads one site and reconstructs another"):
        st.steering.feature_scores(model, {SITES[0]: transcoder}, TOKENS, prompts=TOKENS)
    transcoder.provenance = {"site": f"{SITES[0]}.mlp:input -> {SITES[0]}.mlp"}
    with pytest.raises(MismatchError, match=f"trained at '{SITES[0]}.mlp:input -> "):
        st.steer(model, {f"{SITES[1]}.mlp": transcoder}, {f"{SITES[1]}.mlp": {3: 1.0}})
    transcoder.provenance = {"site": f"{SITES[1]} -> {SITES[0]}"}
    with pytest.raises(ConfigError, match=f"reads '{SITES[1]}', which the forward pass computes"):
        st.steer(model, transcoder, {3: st.edits.set(1.0)}).read(TOKENS)


def test_the_model_within_a_head_is_hashed_once(monkeypatch):
    loaded, hashed = language_model(), []
    own = model_hash(loaded.model.base_model)
    monkeypatch.setattr(
        "sparsetime.models.load.model_hash", lambda m: hashed.append(m) or model_hash(m)
    )
    module = sys.modules[model_hash.__module__]  # the package's name is the function's
    monkeypatch.setattr(module, "hash_with_wrappers", hashed.append)
    inner = small_dictionary("topk", 1, 0.1, k=12)
    inner.provenance = {"site": "layers.0", "model_hash": own}
    with pytest.raises(ConfigError, match=f"two dictionaries for the site '{SITES[0]}'"):
        st.steer(loaded, {"layers.0": inner, SITES[0]: inner}, {})
    for _ in range(2):
        run = st.steer(loaded, inner, {3: 1.0})
        assert list(run.read(TOKENS).record) == [SITES[0]]
    assert hashed == [loaded.model.base_model]


@pytest.mark.parametrize(
    ("span", "missing"),
    [
        (st.spans.last(2), "the length of the prompt"),
        (st.spans.steps() & ~st.spans.generated(), "the length of the prompt"),
        (st.spans.where(kind="name"), "labels of every step"),
        (st.spans.after("x"), "a tokenizer"),
        (st.spans.seconds(0, 1).rising(3), "the duration of a step"),
    ],
)
def test_spans_that_a_stream_cannot_know(span, missing):
    given = {"enter": small_dictionary("topk", 1, 0.1, k=12)}
    run = st.steer(Recurrent(), given, {"enter": {3: 1.0}}, span=span)
    with pytest.raises(ConfigError, match=missing), run.stream():
        pass


def test_spans_that_a_generation_cannot_know(model, sae):
    run = st.steer(model, {SITES[0]: sae}, {SITES[0]: {3: 1.0}}, span=st.spans.where(kind="name"))
    with pytest.raises(ConfigError, match="steps that are still to come have none"):
        run.generate(TOKENS)
    with pytest.raises(UnknownNameError, match="unknown label 'kind'"):
        run.read(TOKENS, labels={"kinds": ["name"] * 6})
    with pytest.raises(DataError, match="got labels of 3 steps for a sequence of at least 6"):
        run.read(TOKENS, labels={"kind": ["name"] * 3})


def test_spans_of_features_that_are_not_there(model, sae):
    deeper = {SITES[0]: sae, SITES[1]: small_dictionary("topk", 2, 0.1, k=12)}
    edits = {SITES[0]: {3: 1.0}}
    run = st.steer(model, deeper, edits, span=st.spans.while_on(3, site=SITES[1]))
    with pytest.raises(ConfigError, match="computes later than the edited site"):
        run.read(TOKENS)
    run = st.steer(model, deeper, edits, span=st.spans.while_on(99))
    with pytest.raises(ConfigError, match=r"feature 99 at .*, expected a number from 0 to 31"):
        run.read(TOKENS)
    run = st.steer(model, deeper, edits, span=st.spans.while_on(3, site="model.norm"))
    with pytest.raises(ConfigError, match=r"reads the site 'model.norm', expected one of the run"):
        run.read(TOKENS)


def test_generation_settings_under_which_the_law_cannot_hold(model, sae):
    run = st.steer(model, {SITES[0]: sae}, {SITES[0]: {3: 1.0}})
    generate = {
        "beams exchange": {"num_beams": 2},
        "assisted decoding": {"prompt_lookup_num_tokens": 2},
        "compiled pass runs": {"cache_implementation": "static"},
        "got num_beams=3": {"generation_config": GenerationConfig(num_beams=3)},
    }
    with run:
        for words, settings in generate.items():
            with pytest.raises(ConfigError, match=words):
                model.model.generate(TOKENS, max_new_tokens=2, **settings)
        cache = StaticCache(config=model.model.config, max_cache_len=8)
        with pytest.raises(ConfigError, match="cache of fixed size"):
            model.model(TOKENS, past_key_values=cache)
    assert "generate" not in vars(model.model)
    own = model.model.generate = lambda *_: "own"
    with run:
        assert model.model.generate(TOKENS) == "own"
    assert vars(model.model).pop("generate") is own


def test_padding_and_caches_of_other_runs():
    model = language_model(pad_token_id=0, bos_token_id=1)
    run = st.steer(model, {SITES[0]: small_dictionary("topk", 1, 0.1, k=12)}, {SITES[0]: {3: 1.0}})
    padded = torch.tensor([[0, 0, 5, 7], [1, 4, 5, 7]])
    with run, pytest.raises(ConfigError, match="no attention_mask"):
        model.model(padded)
    before = model.model(TOKENS, use_cache=True).past_key_values
    with run, pytest.raises(MismatchError, match="got a cache of 6 steps"):
        model.model(TOKENS[:, :1], past_key_values=before)
    with run, pytest.raises(ConfigError, match="entered already"), run:
        pass


def test_texts(model, sae):
    run = st.steer(model, {SITES[0]: sae}, {SITES[0]: {3: 1.0}})
    with pytest.raises(DataError, match="no record"):
        _ = run.record
    with pytest.raises(ConfigError, match="expected one length in a batch"):
        run.read(["ABC", "AB"])
    with pytest.raises(ConfigError, match="no chat template"):
        run.generate([{"role": "user", "content": "A"}])
    with pytest.raises(ConfigError, match="at least one step"):
        run.generate("AB", 0)
    with pytest.raises(ConfigError, match=r"got 41 tokens for .*, which reads at most 32 at once"):
        run.generate("AB", 40)
    bare = st.steer(model.model, {SITES[0]: sae}, {SITES[0]: {3: 1.0}})
    with pytest.raises(ConfigError, match="without a tokenizer"):
        bare.read("AB")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: st.spans.steps(3, 3), r"got steps\(3, 3\)"),
        (lambda: st.spans.seconds(-1), "0 <= begin < end"),
        (lambda: st.spans.last(0), "at least 1 step"),
        (lambda: st.spans.after(""), "an empty text"),
        (lambda: st.spans.where(), "got no label"),
        (lambda: st.spans.while_on(-1), "numbers from 0 on"),
        (lambda: st.spans.steps().rising(0), "a ramp of 0 steps"),
    ],
)
def test_spans_that_are_none(build, words):
    with pytest.raises(ConfigError, match=words):
        build()
