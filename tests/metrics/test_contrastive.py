"""Contrastive scores on codes whose scores are known in closed form."""

import itertools
import math

import numpy as np
import pytest
import torch

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics.contrastive import contrastive_scores
from sparsetime.testbeds.contrastive_pairs.pairs import FRAMES, SUBJECTS, contrastive_pairs

WIDTH, PAIRS = 16, 12
SUBJECT = [f"s{number:02}" for number in range(PAIRS)]
WORDING = ["was", "has"] * (PAIRS // 2)
NUMBERS = np.arange(2 * PAIRS).reshape(-1, 2)
LENGTHS = np.tile([2, 3], PAIRS)


def texts(first, second):
    """Steps of all texts, from the mean code of each."""
    means = torch.stack([first, second], dim=1).reshape(2 * PAIRS, WIDTH)
    return means.repeat_interleave(torch.from_numpy(LENGTHS), dim=0)


def scores(first, second, **changed):
    given = {"pairs": NUMBERS, "subjects": SUBJECT} | changed
    given = {"contrasts": ["tense"] * PAIRS, "wordings": WORDING} | given
    return contrastive_scores(texts(first, second), LENGTHS, **given)


def test_one_latent_that_is_of_one_side_has_the_largest_z():
    first, second = torch.zeros(2, PAIRS, WIDTH)
    first[:, 5] = 0.7
    found = scores(first, second)
    # |V - W| is 0.7 in one of `WIDTH` latents: (w - 1) / sqrt(w), whatever the value.
    assert found.contrastive.value == pytest.approx((WIDTH - 1) / math.sqrt(WIDTH))
    # All subjects are alike, so none differs from the others.
    assert found.independence.value == pytest.approx(0, abs=1e-9)
    assert found.direction.value == 1 and found.direction.interval == (1, 1)
    assert found.latents.tolist() == [[5, 5]] and found.contrasts == ("tense",)
    # Every second text is the same, so exchanging them changes nothing.
    assert found.contrastive.null == pytest.approx(found.contrastive.value)
    assert abs(found.direction.null - 0.5) < 0.15


def test_subjects_without_a_contrast_are_independent_and_not_ordered():
    first = torch.eye(PAIRS, WIDTH)
    found = scores(first, first)
    # I - J is 1 in the own latent and 1 / (PAIRS - 1) in those of the others.
    distance = torch.zeros(WIDTH, dtype=torch.float64)
    distance[:PAIRS] = 1 / (PAIRS - 1)
    distance[0] = 1
    z = ((distance - distance.mean()) / distance.std()).max()
    assert found.independence.value == pytest.approx(float(z))
    assert found.interpretability.value == pytest.approx(float(z))
    assert found.contrastive.value == 0 and found.direction.value == 0.5
    # Shuffled pairs differ in two latents: the published score then shows subjects.
    assert found.contrastive.null > 2


def test_texts_count_by_their_steps():
    first, second = torch.zeros(2, PAIRS, WIDTH)
    first[0, 3], second[0, 3] = 5.0, 0.0
    found = scores(first, second)
    # I of pair 0 is 5 * 2 / 5 = 2 in latent 3, nothing elsewhere: one latent alone, in all pairs.
    assert found.independence.value == pytest.approx((WIDTH - 1) / math.sqrt(WIDTH))


def test_a_latent_that_orders_one_wording_only_is_found_out():
    first, second = torch.zeros(2, PAIRS, WIDTH)
    first[::2, 1] = 1.0  # in the words of one half
    first[1::2, 2] = 1.0
    assert scores(first, second).direction.value == 0.5
    second[1::2, 1] = 1.0
    second[::2, 2] = 1.0
    assert scores(first, second).direction.value == 0


def test_a_sparse_code_scores_as_its_dense_form():
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(int(LENGTHS.sum()), WIDTH, generator=generator) - 0.7
    given = (LENGTHS, NUMBERS, SUBJECT, ["tense", "number"] * (PAIRS // 2), WORDING)
    with pytest.raises(DataError, match="got one wording of the contrast 'number', expected at"):
        contrastive_scores(x, *given)
    given = (LENGTHS, NUMBERS, SUBJECT, ["tense"] * 6 + ["number"] * 6, WORDING)
    sparse = contrastive_scores(SparseCode.from_dense(x.clamp_min(0)), *given)
    dense = contrastive_scores(x.clamp_min(0), *given)
    for name in ("contrastive", "independence", "interpretability", "direction"):
        assert getattr(sparse, name) == getattr(dense, name)


def test_pairs_that_cannot_be_scored_are_refused():
    first, second = torch.rand(2, PAIRS, WIDTH, generator=torch.Generator().manual_seed(0))
    with pytest.raises(MismatchError, match="got 3 subjects for 12 pairs, expected one a pair"):
        scores(first, second, subjects=["a", "b", "c"])
    with pytest.raises(DataError, match="got pairs of 1 subjects, expected at least 2"):
        scores(first, second, subjects=["a"] * PAIRS)
    with pytest.raises(DataError, match="got pairs of texts 1 to 24, expected numbers from 0 to"):
        scores(first, second, pairs=NUMBERS + 1)
    with pytest.raises(DataError, match="got codes that are not finite"):
        scores(first, second * math.nan)
    with pytest.raises(MismatchError, match="add up to 60, expected the 10 steps"):
        contrastive_scores(first[:10], LENGTHS, NUMBERS, SUBJECT, ["tense"] * PAIRS, WORDING)


def test_texts_of_a_pair_are_frames_with_one_subject():
    bed = contrastive_pairs()
    assert len(bed.pairs) == len(SUBJECTS) * 4 * len(FRAMES) == 384
    assert len(bed.subjects) == len(bed.contrasts) == len(bed.wordings) == len(bed.pairs)
    assert len(set(bed.texts)) == len(bed.texts) and len(set(bed.wordings)) == 32
    for (first, second), subject, wording in zip(
        bed.pairs, bed.subjects, bed.wordings, strict=True
    ):
        one, many = next(names for names in SUBJECTS if names[0] == subject)
        given = [bed.texts[first], bed.texts[second]]
        frames = [text.replace(many, "{many}").replace(one, "{one}") for text in given]
        contrast, number = wording.rsplit(" ", 1)
        assert frames == list(FRAMES[contrast][int(number)])


def test_wordings_of_a_contrast_differ_by_other_words():
    """Of the words by which one wording differs, at most a few are those of another."""
    for frames in FRAMES.values():
        changed = []
        for pair in frames:
            words = [set(text.lower().replace(".", "").replace(",", "").split()) for text in pair]
            changed.append((words[0] - words[1]) | (words[1] - words[0]) - {"{one}", "{many}"})
        for first, second in itertools.combinations(changed, 2):
            assert len(first & second - {"{one}"}) <= 2, (first & second, frames)
