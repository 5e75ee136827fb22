"""Which dtype selection multiplies in: measured once, then kept."""

import json

import pytest
import torch

from sparsetime.kernels import precision


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    precision._kept_ratio.cache_clear()
    yield tmp_path / "sparsetime" / "selection_dtype.json"
    precision._kept_ratio.cache_clear()


@pytest.mark.parametrize(("ratio", "dtype"), [(0.2, torch.bfloat16), (1.5, torch.float32)])
def test_the_measurement_decides_and_is_kept(cache, monkeypatch, ratio, dtype):
    calls = []
    monkeypatch.setattr(precision, "measured_ratio", lambda device: calls.append(device) or ratio)
    device = torch.device("cpu")
    assert precision.selection_dtype(device) == dtype
    precision._kept_ratio.cache_clear()
    assert precision.selection_dtype(device) == dtype
    assert len(calls) == 1
    assert list(json.loads(cache.read_text()).values()) == [ratio]


def test_a_broken_cache_is_measured_anew(cache, monkeypatch):
    cache.parent.mkdir()
    cache.write_text("{")
    monkeypatch.setattr(precision, "measured_ratio", lambda device: 2.0)
    assert precision.selection_dtype(torch.device("cpu")) == torch.float32
    assert "2.0" in cache.read_text()


def test_a_measurement_is_a_positive_ratio():
    assert 0 < precision.measured_ratio(torch.device("cpu")) < 100
