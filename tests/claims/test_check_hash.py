"""The hash of a claim's file: what changes it and what does not."""

import pytest

from sparsetime.claims.verdicts.check_hash import check_hash

SOURCE = '''
"""A docstring."""
import torch
import sparsetime as st
from sparsetime.claims.claim import Less, claim
from sparsetime.dictionaries.recipes import dictionary

WIDTH: int = 128

@claim("one", says="It is so.", data="rows", expects=[Less("FVU of one", than="FVU of two")])
def check(lab, seed: int) -> dict[str, float]:
    """What it does."""
    values = {}
    for name, settings in (("topk", {"high": 0.2}), ("gated", {})):
        sae = dictionary(name, width=WIDTH, seed=seed, **settings)
        assert sae.width
        values[f"FVU of {name}"] = lab.fvu(sae, lab.real("layer.3").held_out.sum(1))
    return values
'''
GOLDEN = {"topk", "gated", "topk_renamed"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("values", "figures"),
        ("It is so.", "It is otherwise."),
        ("A docstring.", "Another."),
        ("        assert sae.width\n", ""),
        ("WIDTH: int = 128", "WIDTH = 128"),
        ("from sparsetime.dictionaries.recipes", "from sparsetime.recipes"),
        ("= dictionary(", "= st.dictionary("),
        ("FVU of two", "error of the second"),
        ('"high"', '"high_fraction"'),
        ('"topk"', '"topk_renamed"'),
        (".held_out", ".test_rows"),
    ],
)
def test_renames_and_text_do_not_change_it(old, new):
    assert old in SOURCE
    assert check_hash(SOURCE.replace(old, new), GOLDEN) == check_hash(SOURCE, GOLDEN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("128", "256"),
        ("0.2", "0.3"),
        ("layer.3", "layer.4"),
        ("sum(1)", "mean(1)"),
        ("sum(1)", "sum(0)"),
        ('"gated"', '"unknown"'),
        ('"FVU of one", than="FVU of two"', '"FVU of two", than=0.1'),
        ("seed=seed", "seed=WIDTH"),
        ('two")', 'two", times=0.5)'),
    ],
)
def test_another_computation_changes_it(old, new):
    assert old in SOURCE
    assert check_hash(SOURCE.replace(old, new), GOLDEN) != check_hash(SOURCE, GOLDEN)
