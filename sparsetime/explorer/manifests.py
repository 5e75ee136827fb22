"""Manifests of views, lanes and panels: each is a folder that says itself where it belongs.

A folder below `views/`, `lanes/` or `panels/` holds `view.py`, `lane.py` or `panel.py`, which
defines `VIEW`, `LANE` or `PANEL`, and the JavaScript module of the same name that draws it. The
server, the navigation, the keyboard help and the export read the manifests; nothing else lists
what there is.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, final

from sparsetime.errors import ConfigError
from sparsetime.explorer import lanes as lanes_package
from sparsetime.explorer import panels as panels_package
from sparsetime.explorer import views as views_package

if TYPE_CHECKING:
    from fastapi import APIRouter
    from pydantic import BaseModel

    from sparsetime.explorer.workbench.run_cache import RunCache
    from sparsetime.explorer.workbench.workbench import Workbench

#: Files of an export below `data/`, and what each holds.
Files: TypeAlias = "Mapping[str, BaseModel | list[Any] | dict[str, Any]]"
#: Letters that pages have for themselves: light and dark, and naming a feature.
KEYS_OF_PAGES = ("d", "n")
_FOLDERS = {"views": views_package, "lanes": lanes_package, "panels": panels_package}
_KINDS = (".js", ".css", ".svg")
_Manifest = TypeVar("_Manifest", "View", "Lane", "Panel")


@final
@dataclass(frozen=True)
class View:
    """One page of the explorer.

    title: in the navigation and the window. path: its address; `{key}` and the like stand for a
    part of it. order: place in the navigation. key: the letter that leads there. navigation:
    whether it is linked at the top. needs_dictionary: whether it shows nothing without an index.
    exported: whether an exported folder has it; `export` writes the files that it reads there.
    moved_from: earlier addresses, which redirect. routes: its part of the API. unfiltered: why it
    has no filter by labels of recordings, which the page says where recordings have labels; ""
    where it has one (`web/recording_filter.js`). name: the folder's.
    """

    title: str
    path: str
    order: int
    key: str = ""
    navigation: bool = True
    needs_dictionary: bool = True
    exported: bool = True
    moved_from: tuple[str, ...] = ()
    routes: APIRouter | None = None
    export: Callable[[Workbench], Files] | None = None
    unfiltered: str = ""
    name: str = ""


@final
@dataclass(frozen=True)
class Lane:
    """Something drawn on the time axis of a timeline.

    place: `input` for what the model read, of which the first lane that fits is drawn; `above` for
    a lane over the rows in addition; `strip` for a canvas of its own over the whole sequence.
    answer: data of steps `first` to `stop`, served at `…/sequences/{sequence}/{name}` and kept
    whole in an export. order: the lowest is asked first and drawn on top. name: the folder's.
    """

    title: str
    order: int
    place: Literal["input", "above", "strip"]
    answer: Callable[[RunCache, str, int, int, int | None], BaseModel] | None = None
    name: str = ""


@final
@dataclass(frozen=True)
class Panel:
    """A section of the page of a feature.

    place: `charts` for the row of small charts, `wide`, `main` or `aside`. order: within its
    place. exported: whether an exported folder has it. computed: whether its answer takes long, so
    that an export has it of the most informative features alone. silent_features: whether it is
    shown for features that never fire. answer: its data, served at
    `…/features/{number}/{name}` and kept in an export; routes: for what needs more than the run,
    such as the model. moved_from: earlier names in the API. name: the folder's.
    """

    title: str
    order: int
    place: Literal["charts", "wide", "main", "aside"]
    exported: bool = True
    computed: bool = False
    silent_features: bool = False
    answer: Callable[[RunCache, str, int], BaseModel] | None = None
    routes: APIRouter | None = None
    moved_from: tuple[str, ...] = ()
    name: str = ""


def files_by_dictionary(
    workbench: Workbench, name: str, answer: Callable[[RunCache, str], BaseModel | list[Any]]
) -> Files:
    """A file of an export for each dictionary. name: with `{place}` for its place in the run."""
    run = workbench.opened
    return {name.format(place=place): answer(run, key) for place, key in enumerate(run.shown)}


def views() -> list[View]:
    """Every view, in the order of the navigation. Errors: ConfigError as `_check` says."""
    manifests = list(_read(views_package, "view", View))
    _check(manifests)
    return manifests


def lanes() -> list[Lane]:
    """Every lane of the timeline, by its order."""
    return list(_read(lanes_package, "lane", Lane))


def panels() -> list[Panel]:
    """Every panel of the page of a feature, by its order."""
    return list(_read(panels_package, "panel", Panel))


def assets() -> dict[str, Path]:
    """Modules, style sheets and icons by address: their path below `explorer/`.

    The address is the path on disk, so that a relative import means the same on disk, on the
    server and in an export.
    """
    folders = [("web", Path(__file__).parent / "web")]
    folders += [
        (name, Path(path)) for name, package in _FOLDERS.items() for path in package.__path__
    ]
    return {
        f"{name}/{file.relative_to(folder).as_posix()}": file
        for name, folder in folders
        for file in sorted(folder.rglob("*"))
        if file.suffix in _KINDS
    }


def for_page(exported: bool) -> dict[str, list[Any]]:
    """What the page's modules read of the manifests, as JSON."""
    return {
        "views": [
            {
                "name": view.name,
                "title": view.title,
                "path": view.path,
                "key": view.key,
                "navigation": view.navigation,
                "needs_dictionary": view.needs_dictionary,
                "moved_from": list(view.moved_from),
                "unfiltered": view.unfiltered,
            }
            for view in views()
            if view.exported or not exported
        ],
        "lanes": [{"name": lane.name, "place": lane.place} for lane in lanes()],
        "panels": [
            {"name": panel.name, "place": panel.place, "silent_features": panel.silent_features}
            for panel in panels()
            if panel.exported or not exported
        ],
        "left_out": [panel.title for panel in panels() if exported and not panel.exported],
    }


def _read(package: ModuleType, kind: str, of: type[_Manifest]) -> Iterator[_Manifest]:
    """The manifests of a package's folders, sorted by their order.

    Errors: ConfigError for a folder without its manifest or without its module.
    """
    read: list[_Manifest] = []
    for folder in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{folder.name}.{kind}")
        manifest = getattr(module, kind.upper(), None)
        if not isinstance(manifest, of):
            raise ConfigError(
                f"got {module.__name__} without a {kind.upper()}, expected a "
                f"manifests.{of.__name__}; define one there"
            )
        script = Path(str(module.__file__)).with_suffix(".js")
        if not script.is_file():
            raise ConfigError(f"got no {script.name} beside {module.__file__}; write the module")
        read.append(replace(manifest, name=folder.name))
    yield from sorted(read, key=lambda manifest: (manifest.order, manifest.name))


def _check(manifests: list[View]) -> None:
    """Errors: ConfigError where two views share a path or a key, or one has a key of pages."""
    for what, values in (
        ("path", [view.path for view in manifests]),
        ("key", [view.key for view in manifests if view.key]),
    ):
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            raise ConfigError(f"got two views with the {what} {twice.pop()!r}, expected one each")
    for view in manifests:
        if view.key and view.key in KEYS_OF_PAGES:
            raise ConfigError(
                f"got the key {view.key!r} for the view {view.title}, expected one that no page "
                f"has for itself ({', '.join(KEYS_OF_PAGES)}); choose another letter"
            )
