"""The feature monosemanticity score on codes whose score is known."""

import pytest
import torch

from sparsetime.errors import DataError
from sparsetime.metrics.monosemanticity import monosemanticity


def halves(code, concept):
    return code[::2], concept[::2], code[1::2], concept[1::2]


def test_one_latent_alone_scores_one_and_copies_score_half():
    generator = torch.Generator().manual_seed(0)
    concept = torch.rand(2000, generator=generator) < 0.3
    code = torch.rand(2000, 6, generator=generator)
    code[:, 2] = concept.float()
    # Alone 1; without it chance, 0.5; more latents add nothing.
    assert monosemanticity(*halves(code, concept)) == pytest.approx(1.0, abs=0.06)
    code[:, 4] = concept.float()
    # Without the first, its copy is as good, so nothing is local.
    assert monosemanticity(*halves(code, concept)) == pytest.approx(0.5, abs=1e-6)
    # Without both it is gone.
    assert monosemanticity(*halves(code, concept), removed=2) == pytest.approx(1.0, abs=0.06)


def test_a_concept_that_takes_two_latents_scores_less():
    generator = torch.Generator().manual_seed(0)
    code = (torch.rand(2000, 6, generator=generator) < 0.5).float()
    concept = (code[:, 0] + code[:, 1]) > 0
    assert 0.2 < monosemanticity(*halves(code, concept)) < 0.7


def test_a_concept_that_is_never_there_is_refused():
    code, concept = torch.rand(10, 3), torch.zeros(10, dtype=torch.bool)
    with pytest.raises(DataError, match="0 of 5 the code's rows have the concept"):
        monosemanticity(*halves(code, concept))
