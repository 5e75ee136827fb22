"""Graphs of compiled models, whose circuits are known: what is on the circuit has the influence."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import sparsetime as st
from sparsetime.testbeds.compiled.build import compiled_model, sampled_tokens
from sparsetime.testbeds.compiled.circuit import OUTPUT, TOKENS

PROGRAMS = ("induction", "sort")
# Frozen attention shows what heads move, and not why they attend: queries and keys are no paths.
SHOWN = ("value", "input")


def moved_from(edges, step):
    """Return the components and steps that a step's output reads along values and inputs."""
    found, waiting = set(), [(OUTPUT, step)]
    while waiting:
        target, at = waiting.pop()
        if ".mlp" in target:
            continue  # an MLP is not affine, so that it is a source of its own
        for edge in edges:
            key = (edge.source, edge.source_step)
            read = (edge.target, edge.target_step) == (target, at) and edge.channel in SHOWN
            if read and key not in found:
                found.add(key)
                waiting.append(key)
    return found


def ranked(program, count=4):
    """Return the influence of tokens and MLPs at every step, and which are on the circuit."""
    bed = compiled_model(program)
    influence, truth = [], []
    for tokens in sampled_tokens(bed, count):
        scored = np.flatnonzero(bed.scored(tokens[None])[0])
        step = int(scored[-1])
        answer = int(bed.function(tokens[None])[0, step].argmax())
        graph = st.circuit(
            bed.model,
            {"layers.0": bed.oracle_dictionary()},
            torch.from_numpy(tokens),
            st.circuits.logit(answer, step),
        )
        assert graph.about["guards"]["worst_sum"] < 1e-5
        true = moved_from(bed.step_edges(tokens, step), step)
        for place, node in enumerate(graph.nodes.to_pylist()):
            if node["kind"] == "token" or ".mlp" in node["site"]:
                site = TOKENS if node["kind"] == "token" else node["site"]
                influence.append(float(graph.influence[place]))
                truth.append((site, node["step"]) in true)
    return np.array(influence), np.array(truth)


@pytest.mark.parametrize("program", PROGRAMS)
def test_tokens_and_mlps_on_the_circuit_have_the_influence(program):
    influence, truth = ranked(program)
    assert 0 < truth.sum() < len(truth)
    assert roc_auc_score(truth, influence) > 0.95
