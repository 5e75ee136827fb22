"""Registers of components, recipe cards and claims, filled by the files of their folders.

To add an entry is to add a file: a register imports every file of its packages before a look-up.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, Generic, TypeVar, final

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
        self._packages = packages
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
        for package in self._packages():
            read_folder(package)
