"""Scores against a known circuit, on rankings whose scores are known."""

import math

import numpy as np
import pytest

from sparsetime.errors import DataError, MismatchError, UnknownNameError
from sparsetime.metrics.circuit_scores import (
    edge_ranking,
    node_ranking,
    ranking_scores,
    set_scores,
)
from sparsetime.testbeds.compiled.build import compiled_model
from sparsetime.testbeds.compiled.circuit import Edge

TRUE = np.array([True, True, False, False, False])


def test_rankings_with_known_areas():
    perfect = ranking_scores(np.array([-5.0, 4, 3, 2, 1]), TRUE)  # signs do not matter
    assert (perfect.auroc, perfect.average_precision, perfect.precision) == (1, 1, 1)
    assert perfect.chance == 0.4
    # True ones at places 1 and 4: of six pairs four are right; precision 1 and 1/2.
    mixed = ranking_scores(np.array([5.0, 2, 3, 4, 1]), TRUE)
    assert mixed.auroc == pytest.approx(4 / 6)
    assert mixed.average_precision == pytest.approx((1 + 1 / 2) / 2)
    assert mixed.precision == 0.5
    equal = ranking_scores(np.ones(5), TRUE)
    assert equal.auroc == 0.5 and equal.precision == pytest.approx(equal.chance)


def test_chosen_edges_are_counted():
    found = set_scores(["a", "b", "x"], ["a", "b", "c", "d"])
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), 0.5)
    assert found.f1 == pytest.approx(4 / 7)
    nothing = set_scores([], ["a"])
    assert math.isnan(nothing.precision) and nothing.recall == nothing.f1 == 0
    with pytest.raises(DataError, match="got no true edges, expected at least one"):
        set_scores(["a"], [])


def test_edges_and_nodes_of_a_compiled_model_are_ranked():
    circuit = compiled_model("induction").circuit
    assert edge_ranking(dict.fromkeys(circuit.edges, -1.0), circuit).auroc == 1
    assert edge_ranking({}, circuit).auroc == 0.5
    one = dict.fromkeys(list(circuit.edges)[:4], 1.0)  # half of eight, the rest tied with 53
    assert edge_ranking(one, circuit).auroc == pytest.approx(0.5 + 0.5 * 0.5)
    assert node_ranking({"layers.1.heads.1": 1.0}, circuit).auroc > 0.5
    with pytest.raises(UnknownNameError, match=r"unknown edge 'layers\.1\.mlp layers\.0"):
        edge_ranking({Edge("layers.1.mlp", "layers.0.mlp", "input"): 1.0}, circuit)
    with pytest.raises(UnknownNameError, match=r"node 'layers\.9\.mlp'"):
        node_ranking({"layers.9.mlp": 1.0}, circuit)


def test_rankings_without_a_value_are_refused():
    with pytest.raises(MismatchError, match="got 2 attributions, expected 5"):
        ranking_scores(np.ones(2), TRUE)
    with pytest.raises(DataError, match="got 5 of 5 candidates on the circuit"):
        ranking_scores(np.ones(5), np.ones(5, bool))
    with pytest.raises(DataError, match="got the attribution nan of candidate 1"):
        ranking_scores(np.array([1.0, math.nan, 0, 0, 0]), TRUE)
