"""Onsets over checkpoints and reappearances over layers, by hand."""

import numpy as np
import pytest

from sparsetime.errors import MismatchError
from sparsetime.metrics import concept_onsets


def test_an_onset_lasts_to_the_end_and_a_gap_between_layers_is_flagged():
    scores = np.array([[0.9, 0.5, 0.5], [0.5, 0.5, 0.8], [0.9, 0.5, 0.8], [0.9, 0.6, 0.8]])
    found = concept_onsets(scores, np.array([0.6, 0.6, 0.6]), margin=0.1)
    assert found.onset.tolist() == [2, -1, 1]
    assert found.first == 1
    assert found.reappears.tolist() == [
        [False, False, False],
        [False, False, False],
        [False, False, True],
        [False, False, True],
    ]
    none = concept_onsets(scores, np.ones(3))
    assert none.first == -1 and not none.held.any()
    with pytest.raises(MismatchError, match="got scores of 3 layers and a control of 2"):
        concept_onsets(scores, np.ones(2))
