"""The HTTP API: the routes of every view and panel, and the answers of lanes and panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

from fastapi import APIRouter

from sparsetime.explorer import manifests
from sparsetime.explorer.server.parameters import First, Key, Number, Run, Sequence, Stop

if TYPE_CHECKING:
    from sparsetime.explorer.manifests import Lane, Panel, View

_FEATURE = "/dictionaries/{key}/features/{number}"
_SEQUENCE = "/dictionaries/{key}/sequences/{sequence}"


def make_router() -> APIRouter:
    """All routes below /api, as the manifests name them.

    A route that is not in the schema is an address of an earlier release, which still answers.
    """
    router = APIRouter(prefix="/api")
    parts: list[View | Panel] = [*manifests.views(), *manifests.panels()]
    for part in parts:
        if part.routes is not None:
            router.include_router(part.routes)
    for panel in manifests.panels():
        if panel.answer is not None:
            _mount(router, _FEATURE, panel, _of_feature(panel.answer))
    for lane in manifests.lanes():
        if lane.answer is not None:
            _mount(router, _SEQUENCE, lane, _of_sequence(lane.answer))
    return router


def _mount(router: APIRouter, at: str, part: Panel | Lane, route: Callable[..., Any]) -> None:
    assert part.answer is not None
    router.add_api_route(
        f"{at}/{part.name}",
        route,
        name=part.name,
        description=part.answer.__doc__ or part.title,
        response_model=get_type_hints(part.answer)["return"],
    )
    for earlier in getattr(part, "moved_from", ()):
        router.add_api_route(f"{at}/{earlier}", route, include_in_schema=False)


def _of_feature(answer: Callable[..., Any]) -> Callable[..., Any]:
    def route(opened: Run, key: Key, number: Number) -> Any:
        return answer(opened, key, number)

    return route


def _of_sequence(answer: Callable[..., Any]) -> Callable[..., Any]:
    def route(
        opened: Run, key: Key, sequence: Sequence, first: First = 0, stop: Stop = None
    ) -> Any:
        return answer(opened, key, sequence, first, stop)

    return route
