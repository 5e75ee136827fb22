"""Opening the explorer: a port, a browser, a notebook's frame."""

from __future__ import annotations

import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from sparsetime.errors import ConfigError
from sparsetime.explorer.server.access import LOCAL

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.models.load import LoadedModel

PORT = 7878
_TRIES = 20
_PATIENCE = 10.0
_LAST_ANSWERS = 3  # seconds for answers in progress when the server is stopped


@final
class Explorer:
    """A running explorer. `url` is where it is; `stop()` ends it. In a notebook it shows itself."""

    def __init__(
        self, server: Any, listening: socket.socket, url: str, close: Callable[[], None]
    ) -> None:
        self.url = url
        self._close = close  # ends answers that would keep the server waiting
        self._server = server
        self._thread = threading.Thread(
            target=_serve, args=(server, listening), name="sparsetime explorer", daemon=True
        )
        self._thread.start()
        began = time.monotonic()
        while not server.started and self._thread.is_alive():
            if time.monotonic() - began > _PATIENCE:
                break
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server and free its port."""
        self._close()
        self._server.should_exit = True
        self._thread.join(_PATIENCE)

    def wait(self) -> None:
        """Until it is stopped, or interrupted from the keyboard."""
        try:
            while self._thread.is_alive():
                self._thread.join(0.5)
        except KeyboardInterrupt:
            self.stop()

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{self.url}" width="100%" height="780" '
            f'style="border:0;border-radius:8px" title="sparsetime explorer"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Explorer({self.url!r})"


def explore(
    run: str | Path,
    host: str = "127.0.0.1",
    port: int | None = None,
    browser: bool | None = None,
    model: str | Path | nn.Module | LoadedModel | None = None,
    renderers: Sequence[str | Path] = (),
) -> Explorer:
    """Serve the explorer of a run and return at once; the object shows it inline in a notebook.

    Without `port`, the first free one from 7878 on is taken. `browser` opens one (default:
    outside a notebook). Bound to another host than this machine's own, the explorer answers only
    to who brings the token that is part of its `url`.

    model: what live views run, as `capture` takes it; it is loaded when one is first used. Without
    it, they try the name that the run was captured under. renderers: JavaScript modules that draw
    other kinds of input under the timeline.

    Errors: StoreError where the run holds nothing to show; ConfigError where the port is taken.
    """
    import uvicorn

    from sparsetime.explorer.server.app import make_app
    from sparsetime.explorer.server.timed_protocol import KEEP_SECONDS, TimedProtocol
    from sparsetime.explorer.workbench.workbench import Workbench

    workbench = Workbench(run, model, renderers)
    listening = _listen(host, port)
    taken = listening.getsockname()[1]
    local = host in LOCAL
    token = None if local else secrets.token_urlsafe(16)
    notebook = _in_notebook()
    try:
        app = make_app(workbench, LOCAL if local else frozenset(), token, framed=notebook)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=TimedProtocol,
                timeout_keep_alive=KEEP_SECONDS,
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_LAST_ANSWERS,
            )
        )
    except BaseException:
        listening.close()
        raise
    name = f"[{host}]" if ":" in host else host
    url = f"http://{name}:{taken}/" + (f"?token={token}" if token else "")
    explorer = Explorer(server, listening, url, workbench.live.worker.close)
    if browser if browser is not None else not notebook:
        webbrowser.open(url)
    return explorer


def _serve(server: Any, listening: socket.socket) -> None:
    """Serve until the server is stopped or fails; the port is free afterwards."""
    with listening:
        server.run(sockets=[listening])


def _listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in [port] if port is not None else [*range(PORT, PORT + _TRIES), 0]:
        # With its protocol named, as asyncio turns Nagle's algorithm off for no other: the body of
        # an answer would wait 40 ms for the acknowledgement of its head.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, tried))
            listening.listen(128)  # also fails where another began to listen after this bind
        except (OSError, OverflowError) as error:
            listening.close()
            if port is not None:
                raise ConfigError(
                    f"{host}:{port} cannot be listened on ({error}); choose another port, or none "
                    f"to have a free one taken"
                ) from error
        else:
            return listening
    raise ConfigError(f"{host} cannot be listened on; is it an address of this machine?")


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
