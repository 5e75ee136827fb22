"""Starting and stopping the explorer: its port, its token, and what is left of one that fails."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest
from small_served_run import write_run

import sparsetime
from sparsetime.errors import ConfigError
from sparsetime.explorer import app_page
from sparsetime.explorer.server import launch


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("start"))


class Opened(socket.socket):
    """Sockets that are kept, so that one which is left open is seen."""

    def __init__(self, *given):
        super().__init__(*given)
        kept.append(self)


kept: list[Opened] = []


def test_explore_serves_and_stops(run):
    explorer = sparsetime.explore(run, browser=False)
    assert explorer.url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(explorer.url + "api/run") as answer:
        assert answer.status == 200
    assert f'<iframe src="{explorer.url}"' in explorer._repr_html_()
    other = sparsetime.explore(run, browser=False)
    assert other.url != explorer.url
    for each in (explorer, other):
        each.stop()
    with pytest.raises(OSError):
        urllib.request.urlopen(explorer.url, timeout=2)


def test_a_port_that_is_taken_is_said(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127.0.0.1:{port} cannot be .* choose another"):
            sparsetime.explore(run, port=port, browser=False)


@pytest.mark.parametrize("where", [(app_page, "shell"), (Opened, "listen")], ids=["page", "listen"])
def test_a_start_that_fails_frees_its_port(run, monkeypatch, where):
    def fails(*_, **__):
        raise OSError("no more")

    kept.clear()
    with monkeypatch.context() as patch:
        patch.setattr(launch.socket, "socket", Opened)
        patch.setattr(*where, fails)
        with pytest.raises((OSError, ConfigError), match=r"no more|cannot be listened on"):
            sparsetime.explore(run, browser=False)
    assert kept and [one.fileno() for one in kept] == [-1] * len(kept)


def test_a_server_that_fails_frees_its_port():
    class Failing:
        def run(self, sockets):
            assert sockets[0].fileno() >= 0
            raise RuntimeError("no loop")

    listening = launch._listen("127.0.0.1", None)
    with pytest.raises(RuntimeError, match="no loop"):
        launch._serve(Failing(), listening)
    assert listening.fileno() == -1


def test_beyond_this_machine_a_token_is_asked_for(run):
    explorer = sparsetime.explore(run, host="0.0.0.0", browser=False)
    address, _, token = explorer.url.partition("?token=")
    assert len(token) >= 16
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address + "api/run")
    with urllib.request.urlopen(f"{address}api/run?token={token}") as answer:
        assert answer.status == 200
    explorer.stop()
