"""Processes that a test starts to kill them: forked from one that has imported the package.

An import takes a new process three seconds, and a fork a hundredth. The server that forks has done
nothing but the import, so that its children hold nothing of the test's own process.
"""

from __future__ import annotations

import multiprocessing
import os

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["torch", "sparsetime.comparison.leaderboard"])

pipe = _server.Pipe


def start(code, *given):
    """A process that runs `code` in the present environment; `given` names what was given."""
    process = _server.Process(target=_run, args=(code, given, dict(os.environ)))
    process.start()
    return process


def _run(code, given, environment):
    os.environ.clear()
    os.environ.update(environment)
    exec(code, {"__name__": "__main__", "given": given})
