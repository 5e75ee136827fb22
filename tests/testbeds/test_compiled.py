"""Compiled models: they compute their function, and their circuit is what causes it."""

import itertools

import numpy as np
import pytest
import torch

from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.interventions import patched
from sparsetime.testbeds.compiled.build import PROGRAMS, compiled_model, sampled_tokens
from sparsetime.testbeds.compiled.circuit import OUTPUT, Edge, StepEdge

ALL = sorted(PROGRAMS)


@pytest.mark.parametrize("name", ALL)
def test_the_model_computes_its_function(name):
    bed = compiled_model(name)
    assert bed.largest_error(sampled_tokens(bed, 300)) < 2e-5
    assert bed.largest_error(sampled_tokens(compiled_model(name, seed=1), 50, seed=1)) < 2e-5


def test_brackets_of_every_text_of_seven_tokens_are_judged():
    bed = compiled_model("brackets")
    tokens = np.array(list(itertools.product(range(3), repeat=7)))
    assert bed.largest_error(tokens) < 2e-5
    texts = ["".join(bed.vocabulary[t] for t in row) for row in tokens]
    balanced = bed.model(torch.from_numpy(tokens))[:, -1, 0] > 0.5
    for text, says in zip(texts, balanced.tolist(), strict=True):
        left = text.replace("a", "")
        while "()" in left:
            left = left.replace("()", "")
        assert says == (not left)


def test_sort_sorts_and_induction_continues():
    bed = compiled_model("sort")
    tokens = sampled_tokens(bed, 20)
    assert (
        bed.model(torch.from_numpy(tokens)).argmax(-1)[:, 1:].numpy() == np.sort(tokens)[:, 1:]
    ).all()
    bed = compiled_model("induction")
    tokens = np.array([[0, 1, 2, 3, 4, 1]])  # <s> a b c d a
    predicted = bed.model(torch.from_numpy(tokens)).argmax(-1)[0].tolist()
    assert predicted == [0, 0, 0, 0, 0, 2]  # the second a: what followed the first one


@pytest.mark.parametrize("name", ALL)
def test_components_of_the_circuit_cause_outputs_and_others_do_not(name):
    bed = compiled_model(name)
    tokens = torch.from_numpy(sampled_tokens(bed, 64))
    scored = torch.from_numpy(bed.scored(tokens.numpy()))
    with torch.no_grad():
        clean = bed.model(tokens)
        for node, on_circuit in bed.circuit.on_circuit.items():
            # Every row gets what another row has at this site.
            with patched(bed.model, node, lambda x: x.roll(1, 0).roll(1, 1), *tokens.shape):
                change = (bed.model(tokens) - clean).abs()[scored].max()
            assert (change > 0.05) == on_circuit, node
            assert on_circuit or change < 1e-4, node  # rounding, times the slopes of an MLP


@pytest.mark.parametrize("name", ALL)
def test_edges_are_the_reads_that_matter(name):
    """A component that gets another value by one edge alone changes the output, or does not."""
    bed = compiled_model(name)
    tokens = torch.from_numpy(sampled_tokens(bed, 48))
    scored = torch.from_numpy(bed.scored(tokens.numpy()))
    outputs = {}
    modules = dict(bed.model.named_modules())

    def keep(node):
        return lambda _, __, y: outputs.__setitem__(node, y.detach())

    hooks = [modules[node].register_forward_hook(keep(node)) for node in bed.circuit.writes]
    with torch.no_grad():
        clean = bed.model(tokens)
        for hook in hooks:
            hook.remove()
        for edge in bed.circuit.candidates:
            y = outputs[edge.source]
            other = y.roll(1, 0).roll(1, 1) - y
            with patched(bed.model, edge.site, lambda x, other=other: x + other, *tokens.shape):
                change = (bed.model(tokens) - clean).abs()[scored].max()
            assert (change > 0.02) == (edge in bed.circuit.edges), edge


def test_the_circuit_of_induction_is_two_heads():
    circuit = compiled_model("induction").circuit
    assert circuit.edges == {
        Edge("position_embedding", "layers.0.heads.0", "query"),
        Edge("position_embedding", "layers.0.heads.0", "key"),
        Edge("token_embedding", "layers.0.heads.0", "value"),
        Edge("token_embedding", "layers.1.heads.1", "query"),
        Edge("token_embedding", "layers.1.heads.1", "key"),
        Edge("layers.0.heads.0", "layers.1.heads.1", "key"),
        Edge("token_embedding", "layers.1.heads.1", "value"),
        Edge("layers.1.heads.1", OUTPUT, "input"),
    }
    assert [node for node, on in circuit.on_circuit.items() if not on] == [
        "layers.0.heads.1",
        "layers.0.mlp",
        "layers.1.heads.0",
        "layers.1.mlp",
    ]
    # Two heads of three channels and an MLP in each layer, then the unembedding.
    assert len(circuit.candidates) == (6 * 2 + 4) + (6 * 5 + 7) + 8


def test_edges_of_one_step_say_where_each_value_comes_from():
    bed = compiled_model("induction")
    tokens = np.array([0, 1, 2, 3, 4, 1])  # <s> a b c d a
    edges = bed.step_edges(tokens, 5)
    assert StepEdge("layers.0.heads.0", 2, "layers.1.heads.1", 5, "key") in edges
    assert StepEdge("token_embedding", 2, "layers.1.heads.1", 5, "value") in edges
    assert StepEdge("token_embedding", 1, "layers.0.heads.0", 2, "value") in edges
    assert {edge.source_step for edge in edges if edge.channel == "query"} == {2, 5}
    assert len(edges) == 8  # each edge of the circuit once: one earlier a
    with pytest.raises(DataError, match="got step 6, expected 0 to 5"):
        bed.step_edges(tokens, 6)


@pytest.mark.parametrize("name", ALL)
def test_the_oracle_dictionary_is_exact_at_every_site(name):
    bed = compiled_model(name)
    oracle = bed.oracle_dictionary()
    assert torch.allclose(bed.atoms @ bed.atoms.T, torch.eye(len(bed.atoms)), atol=1e-5)
    assert len(bed.features) == len(bed.feature_on_circuit) == oracle.width
    tokens = torch.from_numpy(sampled_tokens(bed, 8))
    with torch.no_grad():
        clean = bed.model(tokens)
        with patched(bed.model, "layers.0", oracle, *tokens.shape):
            assert (bed.model(tokens) - clean).abs().max() < 1e-4
    sparse = oracle.encode(bed.model.layers[0](bed.model.token_embedding(tokens)).detach())
    active = sparse.dense() > 1e-3
    # One token is one active value, whatever else is.
    assert (active[..., : len(bed.vocabulary)].sum(-1) == 1).all()


def test_softer_attention_is_less_exact():
    errors = [
        compiled_model("induction", hardness=h).largest_error(
            sampled_tokens(compiled_model("induction"), 50)
        )
        for h in (3.0, 8.0, 30.0)
    ]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 1e-5 < 0.05 < errors[0]


def test_what_cannot_be_compiled_is_refused():
    with pytest.raises(UnknownNameError, match="induction"):
        compiled_model("inductoin")
    with pytest.raises(ConfigError, match="got hardness=0, expected a positive number"):
        compiled_model("sort", hardness=0)
