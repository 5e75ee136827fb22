"""Every metric over time says what it is blind to; the list is that of the public functions."""

import importlib
import inspect
import pkgutil

import pytest

import sparsetime as st
from sparsetime.metrics import temporal

NO_METRIC = {"label_boundaries"}  # boundaries of a label, which are given


def public_functions():
    """The functions of `st.metrics` that a module of `metrics.temporal` defines."""
    modules = {f"{temporal.__name__}.{one.name}" for one in pkgutil.iter_modules(temporal.__path__)}
    for module in modules:
        importlib.import_module(module)
    every = ((name, getattr(st.metrics, name)) for name in dir(st.metrics))
    return {
        name: one
        for name, one in every
        if inspect.isfunction(one) and inspect.unwrap(one).__module__ in modules
    }


@pytest.mark.parametrize("name", sorted(public_functions().keys() - NO_METRIC))
def test_the_docstring_says_what_the_metric_is_blind_to(name):
    text = " ".join(inspect.getdoc(public_functions()[name]).split())
    if name == "dictionary_probe_ladder":
        assert "probe_ladder" in text  # the same metric, of a dictionary
        return
    assert "blind to" in text


def test_every_module_of_a_metric_is_in_the_list():
    found = public_functions()
    assert {"timescale", "change_points", "periodicity", "position", "lead_lag"} <= found.keys()
    assert len(found) >= 12


@pytest.mark.parametrize("metric", st.metrics.metrics().values(), ids=lambda one: one.name)
def test_every_metric_of_evaluate_says_it_too(metric):
    assert len(metric.spec.blind_to) > 10
