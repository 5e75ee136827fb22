"""Registers: unique names, near names, former names; a card of a new kind is a new folder."""

import sys
from textwrap import dedent

import pytest
from typer.testing import CliRunner

import sparsetime as st
from sparsetime import registry
from sparsetime.cli import app
from sparsetime.errors import ConfigError, UnknownNameError
from sparsetime.registry import CARDS, Register, components_of

TOY = '''
from dataclasses import dataclass
from typing import final

from sparsetime.registry import Card


@final
class ToyCard(Card):
    """The card of a toy."""

    kind = "toy"

    @property
    def components(self):
        return {"wheel": "round"}

    @property
    def needs(self):
        return frozenset()


@ToyCard.register(
    "toy_wheel",
    title="Toy wheel",
    paper="Nobody 2026",
    idea="A wheel that turns.",
    claim="It turns.",
    source_of_defaults="This test.",
    cost="Nothing.",
    former=("toy_disc",),
)
def toy_wheel(radius: float = 2.0) -> float:
    """`radius`: of the wheel."""
    return radius
'''


def first():
    """An entry's origin."""


def second():
    """Another one."""


def test_a_register_finds_present_and_former_names():
    toys = Register("toy", list)
    toys.add("ball", 1, first, former=("sphere",))
    toys.add("cube", 2, second)
    assert list(toys) == ["ball", "cube"]
    assert toys.values() == [1, 2]
    assert len(toys) == 2
    assert toys["sphere"] == toys["ball"] == 1
    assert "sphere" in toys
    assert "cone" not in toys
    with pytest.raises(UnknownNameError, match="unknown toy 'bal': did you mean 'ball'"):
        toys["bal"]


def test_names_are_unique_and_an_origin_replaces_its_entry():
    toys = Register("toy", list)
    toys.add("ball", 1, first, former=("sphere",))
    toys.add("ball", 3, first)
    assert toys["ball"] == 3
    for taken in ("ball", "sphere"):
        with pytest.raises(ConfigError, match=f"got the toy '{taken}' from .*second, and .*first"):
            toys.add(taken, 2, second)
    with pytest.raises(ConfigError, match="choose another name"):
        toys.add("disc", 2, second, former=("ball",))


def test_unknown_roles_and_kinds_are_errors_with_near_names():
    assert "top_k" in components_of("sparsifier")
    with pytest.raises(UnknownNameError, match=r"'sparsifer': did you mean .*'sparsifier'"):
        components_of("sparsifer")
    with pytest.raises(UnknownNameError, match="unknown kind of recipe 'dictionry'"):
        st.recipes(kind="dictionry")


def test_former_names_of_recipes_are_accepted():
    assert st.dictionary("g_sae", d_in=4, width=8, k=1).name == "gradient_sae"


@pytest.fixture
def toy_room(tmp_path, monkeypatch):
    """A room `toyroom` beside those of the package, with a recipe of a kind of its own."""
    folder = tmp_path / "toyroom" / "recipes"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text('"""Toys."""\n')
    (folder / "__init__.py").write_text('"""Recipes of toys."""\n')
    (folder / "wheel.py").write_text(dedent(TOY))
    monkeypatch.setattr(st, "__path__", [*st.__path__, str(tmp_path)])
    for name in ("_entries", "_origins", "_former"):
        monkeypatch.setattr(CARDS, name, dict(getattr(CARDS, name)))
    yield
    for name in [name for name in sys.modules if name.startswith("sparsetime.toyroom")]:
        del sys.modules[name]
    registry.read_folder.cache_clear()


def test_a_card_of_a_new_kind_needs_no_change_elsewhere(toy_room):
    import docs_hooks

    dictionaries = st.recipes()
    (card,) = st.recipes(kind="toy")
    assert card.make() == 2.0
    assert card.defaults == {"radius": 2.0}
    assert card not in dictionaries
    listed = CliRunner().invoke(app, ["recipes"]).stdout
    assert "toy_wheel" in listed
    assert "topk" in listed
    assert "A wheel that turns." in CliRunner().invoke(app, ["recipes", "toy_disc"]).stdout
    with pytest.raises(UnknownNameError, match="did you mean 'toy_wheel'"):
        st.dictionary("toy_weel", d_in=4, width=8)
    with pytest.raises(ConfigError, match="'toy_wheel' of kind 'toy', expected one of kind"):
        st.dictionary("toy_wheel", d_in=4, width=8)
    page = docs_hooks.recipes()
    assert "# Recipes of kind toy" in page
    assert "## `toy_wheel`" in page
    assert "## `topk`" in page
