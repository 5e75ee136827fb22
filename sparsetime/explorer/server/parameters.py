"""Parameters that several routes of the API share, with their limits."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Path, Query, Request

from sparsetime.errors import ConfigError, UnknownNameError
from sparsetime.explorer.server.shared_call import SharedCall
from sparsetime.explorer.workbench.recording_labels import with_value
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.workbench import Workbench

Key = Annotated[str, Path(description="The dictionary's folder in the run.", max_length=200)]
Number = Annotated[int, Path(description="The feature's number.", ge=0, lt=2**31)]
Sequence = Annotated[int, Path(description="The sequence's number in the store.", ge=0, lt=2**31)]
First = Annotated[int, Query(description="The first step.", ge=0, lt=2**31)]
Stop = Annotated[int | None, Query(description="The step after the last.", ge=1, lt=2**31)]
Words = Annotated[str, Query(max_length=200)]
Only = Annotated[
    str, Query(description="A condition on recordings, `label:value`.", max_length=400)
]
Split = Annotated[
    str, Query(description="A label of recordings, to split numbers by.", max_length=200)
]
Offset = Annotated[int, Query(ge=0, lt=2**31)]
Limit = Annotated[int, Query(ge=1, le=500)]


def workbench_of(request: Request) -> Workbench:
    """The workbench that the application serves."""
    workbench: Workbench = request.app.state.workbench
    return workbench


async def _run_of(request: Request) -> RunCache:
    """The run as it is now; while it is read, requests wait for it without a thread each."""
    fresh = workbench_of(request).fresh
    if fresh is not None:
        return fresh
    reading: SharedCall[RunCache] = request.app.state.reading
    return await reading()


Run = Annotated[RunCache, Depends(_run_of)]


def refuse_unknown(opened: RunCache, key: str, only: str) -> None:
    """Answer 422 where `only` is no condition that recordings of the dictionary meet."""
    opened.dictionary(key)
    try:
        with_value(opened, key, only)
    except (ConfigError, UnknownNameError) as error:
        raise HTTPException(422, str(error)) from error
