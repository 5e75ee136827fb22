"""The driver's side of a worker: start it, ask it, end it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.environments import CACHE, PEERS, NotInstalled, python_of


class WorkerError(Exception):
    """A worker's answer was an error, or it ended."""


class Worker:
    """A process that holds one library. It idles, without load, while nobody asks.

    packages: a folder of installed packages for this interpreter, instead of an environment.
    """

    def __init__(self, library: str, threads: int, packages: Path | None = None) -> None:
        self.library = library
        CACHE.mkdir(parents=True, exist_ok=True)
        self._log_path = CACHE / f"{library}.log"
        self._log = self._log_path.open("w")
        # One number of threads for all; how threads wait stays each library's own affair.
        count = str(threads)
        environment = {**os.environ, "OMP_NUM_THREADS": count, "NUMBA_NUM_THREADS": count}
        if packages:
            paths = [str(packages), os.environ.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        self._process = subprocess.Popen(
            [
                sys.executable if packages else str(python_of(library)),
                str(PEERS / f"{library}_worker.py"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        self.send(do, **order)
        return self.answer()

    def send(self, do: str, **order: Any) -> None:
        """Give an order whose answer is read later, so that several workers prepare at once."""
        process = self._process
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"do": do, **order}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass

    def answer(self) -> dict[str, Any]:
        process = self._process
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise WorkerError(
                f"the worker of {self.library} ended with {process.wait()}; see {self._log_path}"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{answer['error'].splitlines()[0][:200]}; see {self._log_path}")
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Crew:
    """The workers of several libraries, and why some could not take part."""

    def __init__(self, libraries: list[str], threads: int) -> None:
        self._stack = ExitStack()
        self.workers: dict[str, Worker] = {}
        self.left_out: dict[str, str] = {}
        self.versions: dict[str, Any] = {}
        for library in libraries:
            try:
                worker = self._stack.enter_context(Worker(library, threads))
                self.versions[library] = worker.ask("about")
                self.workers[library] = worker
            except (NotInstalled, WorkerError) as error:
                self.left_out[library] = str(error)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
