"""The mesh of the processes that torchrun started, and what is said where it cannot be made."""

import pytest
from process_pair import free_port

from sparsetime.errors import ConfigError, ProcessError
from sparsetime.training.distributed.launch import torchrun_mesh


def refused(monkeypatch, kind, match, row_groups=1, **environment):
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(kind, match=match), torchrun_mesh(row_groups, timeout=1.0):
        pass


def test_row_groups_divide_the_processes(monkeypatch):
    refused(monkeypatch, ConfigError, "got row_groups=3 for 2 processes", 3, WORLD_SIZE="2")


def test_a_number_of_processes_alone_says_what_is_missing(monkeypatch):
    match = "got WORLD_SIZE=2 without MASTER_ADDR, MASTER_PORT, expected all that torchrun sets"
    refused(monkeypatch, ConfigError, match, WORLD_SIZE="2", RANK="0")


def test_a_process_that_does_not_meet_the_others_stops_in_words(monkeypatch):
    environment = {"RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    match = r"process 1 of 2 did not meet the others at 127.0.0.1:\d+ within 1 s"
    refused(monkeypatch, ProcessError, match, WORLD_SIZE="2", **environment)
