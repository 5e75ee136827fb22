"""Intervention test: features that write a token pass for its rule, and fail for exchanged ones."""

import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.explanations import Predicate, Rule, intervention_test
from sparsetime.testbeds.python_code.pretrained import code_model

SITE, WORDS = "model.layers.3", (")", ":", ",")


def rule(*values, on="token"):
    return Rule(((Predicate(on, values),),))


@pytest.fixture(scope="module")
def model():
    return code_model()


@pytest.fixture(scope="module")
def writers(model):
    """Return a dictionary whose first latents write one token each."""
    sae = st.dictionary("topk", d_in=192, width=8, k=2)
    ids = [model.tokenizer(word)["input_ids"][-1] for word in WORDS]
    rows = model.model.get_output_embeddings().weight.detach()[ids]
    with torch.no_grad():
        sae.decoder.weight[: len(WORDS)] = torch.nn.functional.normalize(rows, dim=1)
    sae.provenance["site"] = SITE
    return sae


def test_features_that_write_a_token_pass_for_its_rule(model, writers):
    rules = {number: rule(word) for number, word in enumerate(WORDS)}
    found = intervention_test(model, writers, rules, "def f(x", 500.0, steps=6, units="activation")
    assert (found.own > 0.8).all()
    assert (found.exchanged < 0.2).all()
    assert (found.rank == 1).all()
    swapped = {number: rule(WORDS[number - 1]) for number in range(3)}
    other = intervention_test(
        model, writers, swapped, "def f(x", 500.0, steps=6, units="activation"
    )
    assert (other.own < 0.2).all()
    assert other.table().column_names == ["feature", "own", "exchanged", "rank"]


def test_rules_of_labels_are_not_tested(model, writers, monkeypatch):
    rules = {0: rule(")"), 1: rule(":"), 2: rule("True", on="in_string")}
    found = intervention_test(model, writers, rules, "def f(x", 500.0, steps=2, units="activation")
    assert found.untested == (2,)
    assert found.features.tolist() == [0, 1]
    # Refused before anything is generated.
    monkeypatch.setitem(intervention_test.__globals__, "steer", None)
    with pytest.raises(ConfigError, match="got rules of which 2 of 3 name labels"):
        intervention_test(
            model, writers, {**rules, 1: rules[2]}, "def f(x", 500.0, steps=2, units="activation"
        )
    with pytest.raises(ConfigError, match="got 1 rules and steps=40, expected at least 2 rules"):
        intervention_test(model, writers, {0: rules[0]}, "def f(x", 3.0)
