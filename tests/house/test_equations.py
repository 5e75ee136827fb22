"""Docstrings of components: every one holds its equation and its source."""

import inspect

import pytest

from sparsetime.registry import ROLES, components_of

components_of("encoder")  # reads every folder of recipes, and so every base class


def missing(component):
    """Name what the docstring of a component class lacks: its equation, its source, or both."""
    # Not inspect.getdoc, which would take the docstring of a base class.
    lines = inspect.cleandoc(component.__doc__ or "").split("\n")
    equation = any(line.startswith("    ") and "=" in line for line in lines)
    source = any(line.startswith("Source") for line in lines)
    return [name for name, there in (("equation", equation), ("source", source)) if not there]


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_component_states_its_equation_and_source(role):
    components = components_of(role)
    assert components
    lacking = {kind: missing(component) for kind, component in components.items()}
    assert {kind: names for kind, names in lacking.items() if names} == {}


def test_roles_of_dictionaries_are_among_them():
    assert set(ROLES) >= {"encoder", "sparsifier", "decoder", "term", "skip"}


class Complete:
    """Rectified linear unit.

        z_i = max(0, pre_i)

    Source: Nair and Hinton 2010.
    """


class WithoutSource:
    """Rectified linear unit.

        z_i = max(0, pre_i)

    pre: pre-activations.
    """


class WithoutEquation:
    """Rectified linear unit: z_i = max(0, pre_i), in the sentence alone.

    Source: Nair and Hinton 2010.
    """


class Inherits(Complete):
    pass


def test_a_component_without_equation_or_source_is_found():
    assert missing(Complete) == []
    assert missing(WithoutSource) == ["source"]
    assert missing(WithoutEquation) == ["equation"]
    assert missing(Inherits) == ["equation", "source"]
