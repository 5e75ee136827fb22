"""Which dtype selection multiplies in: measured once, then kept."""

import edited
import pytest
import torch

from sparsetime.kernels import precision


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    precision._kept_ratios.cache_clear()
    yield tmp_path / "sparsetime" / "selection_dtypes.json"
    precision._kept_ratios.cache_clear()


FASTEST = [
    ({"bfloat16": 0.2, "int8": 0.3}, torch.bfloat16),
    ({"bfloat16": 0.4, "int8": 0.3}, torch.int8),
    ({"bfloat16": 1.5, "int8": 0.9}, torch.float32),
]


@pytest.mark.parametrize(("ratios", "dtype"), FASTEST)
def test_the_measurement_decides_and_is_kept(cache, monkeypatch, ratios, dtype):
    calls = []
    monkeypatch.setattr(precision, "measured_ratios", lambda device: calls.append(device) or ratios)
    device = torch.device("cpu")
    assert precision.selection_dtype(device) == dtype
    precision._kept_ratios.cache_clear()
    assert precision.selection_dtype(device) == dtype
    assert len(calls) == 1
    assert list(edited.read_json(cache).values()) == [ratios]


def test_a_narrow_product_is_in_bfloat16_where_that_is_fast(monkeypatch):
    device = torch.device("cpu")
    for bfloat16, narrow in ((0.4, torch.bfloat16), (1.5, torch.int8)):
        ratios = {"bfloat16": bfloat16, "int8": 0.3}
        monkeypatch.setattr(precision, "_kept_ratios", lambda *_, ratios=ratios: ratios)
        assert precision.selection_dtype(device, width=256) == narrow
        assert precision.selection_dtype(device, width=1024) == torch.int8


def test_a_broken_cache_is_measured_again(cache, monkeypatch):
    cache.parent.mkdir()
    cache.write_text("{")
    monkeypatch.setattr(precision, "measured_ratios", lambda device: {"bfloat16": 2.0})
    assert precision.selection_dtype(torch.device("cpu")) == torch.float32
    assert "2.0" in cache.read_text()


def test_a_measurement_is_of_positive_ratios():
    ratios = precision.measured_ratios(torch.device("cpu"))
    assert ratios.keys() == {"bfloat16", "int8"}
    assert all(0 < ratio < 100 for ratio in ratios.values())
