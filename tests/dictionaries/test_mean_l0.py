"""A dictionary read with fewer active latents than it was trained with, for every recipe."""

import pytest
import torch
from small_recipes import CARDS, small

import sparsetime as st
from sparsetime import seeds
from sparsetime.dictionaries.sparsifiers import ValueThreshold
from sparsetime.errors import ConfigError, DataError


def assert_largest(code, whole, most):
    """The kept values are the `most` largest, or fewer where equal values would exceed that."""
    values, kept = whole.values.abs(), code.values.abs()
    below = values[values < kept.min()]
    assert len(kept) <= most + 1
    assert len(kept) + len(below) == len(values)
    assert len(kept) + (below == below.max()).sum() >= most


def inputs(sae, sequences=4, time=25):
    generator = seeds.torch_generator(0, "random inputs")
    return torch.randn(sequences, time, sae.d_in, generator=generator)


@pytest.mark.parametrize("name", CARDS)
def test_half_of_the_codes_of_every_recipe(name):
    sae = small(name).eval()
    x = inputs(sae)
    whole = sae.encode(x)
    target = whole.values.numel() / whole.rows / 2
    narrow = sae.at(k=target, data=x)
    code = narrow.encode(x)
    assert_largest(code, whole, target * whole.rows)
    dense, kept = whole.dense(), code.dense()
    torch.testing.assert_close(kept, dense * (kept != 0))
    # The dictionary itself is as it was, and the copy can be narrowed or widened again.
    assert torch.equal(sae.encode(x).dense(), dense)
    again = narrow.at(k=target / 2, data=x)
    assert isinstance(again.sparsifier, ValueThreshold)
    assert not isinstance(again.sparsifier.inner, ValueThreshold)
    assert_largest(again.encode(x), whole, target / 2 * whole.rows)
    assert narrow.at(k=2 * target, data=x).encode(x).values.numel() == whole.values.numel()


def test_a_narrow_dictionary_is_saved_with_its_threshold(tmp_path):
    sae = st.dictionary("batch_topk", d_in=8, width=20, k=6)
    x = inputs(sae)
    narrow = sae.at(k=2, data=x)
    narrow.save(tmp_path / "narrow")
    loaded = st.load(tmp_path / "narrow")
    assert torch.equal(loaded.encode(x).dense(), narrow.encode(x).dense())
    assert loaded.encode(x).counts.double().mean() == pytest.approx(2, abs=0.01)


def test_k_that_cannot_be_read():
    sae = st.dictionary("topk", d_in=8, width=20, k=4)
    x = inputs(sae)
    with pytest.raises(ConfigError, match="got k=5, expected a mean L0 above 0 and at most 4"):
        sae.at(k=5, data=x)
    with pytest.raises(ConfigError, match="got k=0, expected a mean L0 above 0"):
        sae.at(k=0, data=x)
    with pytest.raises(DataError, match="got data without rows"):
        sae.at(k=2, data=x[:0])
