"""Registers of components, recipe cards and claims, filled by the files of their folders.

To add an entry is to add a file: a register imports every file of its packages before a look-up.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, final

from sparsetime.errors import ConfigError, unknown_name

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@cache
def read_folder(package: str) -> None:
    """Import every file of a package, once."""
    folder = import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        import_module(f"{package}.{module.name}")


@final
class Register(Generic[T]):
    """Entries by unique name.

    noun: what errors call an entry, such as "recipe". packages: returns the packages whose files
    register the entries; it is called before every look-up.
    """

    def __init__(self, noun: str, packages: Callable[[], Iterable[str]]) -> None:
        self.noun = noun
        self.packages = packages
        self._entries: dict[str, T] = {}
        self._origins: dict[str, str] = {}
        self._former: dict[str, str] = {}

    def add(self, name: str, entry: T, origin: Callable[..., Any], former: Iterable[str] = ()) -> T:
        """Register an entry, and return it.

        origin: the class or function that the entry describes; defined again, it replaces its
        entry. former: names that the entry had in earlier versions; look-ups accept them.

        Errors: ConfigError for a name that an entry of another origin has.
        """
        where = f"{origin.__module__}.{origin.__qualname__}"
        for taken in (name, *former):
            owner = self._origins.get(self._former.get(taken, taken), where)
            if owner != where:
                raise ConfigError(
                    f"got the {self.noun} {taken!r} from {where}, and {owner} has that name; "
                    "choose another name"
                )
        self._entries[name], self._origins[name] = entry, where
        self._former.update(dict.fromkeys(former, name))
        return entry

    def __getitem__(self, name: str) -> T:
        """The entry of a present or former name. Errors: UnknownNameError with near names."""
        self._read()
        current = self._former.get(name, name)
        if current not in self._entries:
            raise unknown_name(self.noun, name, self._entries)
        return self._entries[current]

    def __contains__(self, name: object) -> bool:
        self._read()
        return name in self._entries or name in self._former

    def __iter__(self) -> Iterator[str]:
        """The present names, sorted."""
        self._read()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._read()
        return len(self._entries)

    def values(self) -> list[T]:
        """All entries, sorted by name."""
        return [self._entries[name] for name in self]

    def _read(self) -> None:
        for package in self.packages():
            read_folder(package)


#: The components of every role, once the base class of the role is imported.
ROLES: dict[str, Register[Any]] = {}


def declare_role(role: str, package: str) -> Register[Any]:
    """The register of a role whose components are the files of one package.

    Errors: ConfigError for a role that another package has.
    """
    packages = list(ROLES[role].packages()) if role in ROLES else [package]
    if packages != [package]:
        raise ConfigError(
            f"got the role {role!r} from {package}, and {packages[0]} has it; choose another name"
        )
    ROLES[role] = Register(role, lambda: [package])
    return ROLES[role]


def components_of(role: str) -> dict[str, Any]:
    """The component classes of a role, by kind.

    Errors: UnknownNameError for an unknown role, with the nearest roles.
    """
    if role not in ROLES:
        len(CARDS)  # the recipes import every base class
    if role not in ROLES:
        raise unknown_name("role of components", role, ROLES)
    return {kind: ROLES[role][kind] for kind in ROLES[role]}


@dataclass(frozen=True)
class Card(ABC):
    """A published method: what it is, where it comes from, and the function that makes it.

    idea: its novelty, in a sentence. claim: what its paper reports. source_of_defaults: origin of
    the default settings. cost: relative to the simplest method of its kind. system: row in the list
    of published systems; None where it is not in it. make: composes the method from settings.
    """

    #: What the card describes, such as "dictionary"; `recipes(kind=...)` lists one kind.
    kind: ClassVar[str]
    #: What every method of this kind reads; `needs` adds to it.
    reads: ClassVar[str] = "rows"
    name: str
    title: str
    paper: str
    idea: str
    claim: str
    source_of_defaults: str
    cost: str
    system: int | None
    make: Callable[..., Any]

    @property
    def defaults(self) -> dict[str, Any]:
        """Every setting that has a default, with its value."""
        parameters = inspect.signature(self.make).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}

    @property
    @abstractmethod
    def components(self) -> Mapping[str, str]:
        """The kind of every component, by role; empty for a method of one piece."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[str]:
        """What the method needs besides what all of its kind read, such as labels."""

    @classmethod
    def register(
        cls,
        name: str,
        *,
        title: str,
        paper: str,
        idea: str,
        claim: str,
        source_of_defaults: str,
        cost: str,
        system: int | None = None,
        former: Iterable[str] = (),
    ) -> Callable[[F], F]:
        """Decorator: register a function that makes a method as a recipe of this kind.

        former: names of the recipe in earlier versions, which are still accepted.

        Errors: ConfigError for a name that another recipe has, of whatever kind.
        """

        def add(make: F) -> F:
            card = cls(name, title, paper, idea, claim, source_of_defaults, cost, system, make)
            CARDS.add(name, card, make, former)
            return make

        return add


def recipe_packages() -> list[str]:
    """The package `recipes` of every room that has one."""
    root = __name__.partition(".")[0]
    folders = [Path(path) for path in sys.modules[root].__path__]
    rooms = {
        file.parents[1].name for path in folders for file in path.glob("*/recipes/__init__.py")
    }
    return [f"{root}.{room}.recipes" for room in sorted(rooms)]


#: The cards of all kinds.
CARDS: Register[Card] = Register("recipe", recipe_packages)


def recipe_kinds() -> list[str]:
    """The kinds of which there are recipes."""
    return sorted({card.kind for card in CARDS.values()})


def recipes(kind: str = "dictionary") -> list[Card]:
    """The cards of one kind, by name.

    Errors: UnknownNameError for a kind without recipes, with the nearest kinds.
    """
    kinds = recipe_kinds()
    if kind not in kinds:
        raise unknown_name("kind of recipe", kind, kinds)
    return [card for card in CARDS.values() if card.kind == kind]
