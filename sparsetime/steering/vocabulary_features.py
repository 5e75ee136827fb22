"""Vocabulary scores of features (ReasonScore): which fire near the words of a vocabulary."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError


def vocabulary_scores(
    code: SparseCode,
    word: Int[np.ndarray, " rows"],
    *,
    power: float = 0.7,
) -> Float[np.ndarray, " width"]:
    """Score every feature by how much it fires near the words of a vocabulary, and near all alike.

        s_i = m_i(near) / sum_j m_j(near) * H_i^power - m_i(far) / sum_j m_j(far)
        H_i = - sum over w of p_iw log p_iw / log |V|,   p_iw = m_i(near w) / sum_v m_i(near v)

    m_i: the mean activation of feature i over rows near any word, near one word w, or near none. A
    feature of one word alone has an entropy H of 0, and so no positive score.

    code: of rows in order of time. word: of each row the number of the word that is near, -1 for
    none; see `near_words`. power: of the entropy.

    Source: Galichin et al. 2025, I have covered all the bases here: interpreting reasoning features
    in large language models via sparse autoencoders, arXiv:2503.18878 (ReasonScore).

    Errors: MismatchError for as many words as there are no rows; DataError where fewer than two
    words are near a row, or every row is near one; ConfigError for a negative power.
    """
    if power < 0:
        raise ConfigError(f"got power={power}, expected 0 or more")
    if len(word) != code.rows:
        raise MismatchError(
            f"got a code of {code.rows} rows and words of {len(word)}, expected one for each row"
        )
    # Words that are near no row say nothing, and would bound the entropy below 1.
    present, number = np.unique(word[word >= 0], return_inverse=True)
    if len(present) < 2 or len(number) == len(word):
        raise DataError(
            f"got {len(present)} words near {len(number)} of {len(word)} rows, expected at least 2 "
            "words, and rows near none; give more text"
        )
    group = np.full(len(word), len(present))
    group[word >= 0] = number
    sums = np.zeros((len(present) + 1, code.width))
    row = code.row_of_entry.cpu().numpy()
    values = code.values.detach().double().cpu().numpy()
    np.add.at(sums, (group[row], code.indices.cpu().numpy()), values)
    rows = np.bincount(group, minlength=len(present) + 1)
    by_word = sums[:-1] / rows[:-1, None]
    share = by_word / np.maximum(by_word.sum(0), 1e-30)
    entropy = -(share * np.log(np.maximum(share, 1e-30))).sum(0) / np.log(len(present))
    near, far = sums[:-1].sum(0), sums[-1]
    parts = [one / max(one.sum(), 1e-30) for one in (near, far)]
    return np.asarray(parts[0] * np.clip(entropy, 0, 1) ** power - parts[1])


def near_words(
    word: Int[np.ndarray, " rows"],
    lengths: Int[np.ndarray, " texts"],
    *,
    before: int = 2,
    after: int = 3,
) -> Int[np.ndarray, " rows"]:
    """The number of the word whose window holds each row, -1 for none.

    word: of each row the number of the word that stands there, -1 for none. lengths: rows of each
    text in order of time; a window ends where its text does. before, after: steps of the window
    around a word. Of two words the nearer counts, and of two as near the earlier.

    Errors: MismatchError where the lengths are not those of the rows; ConfigError for a negative
    number of steps.
    """
    if before < 0 or after < 0:
        raise ConfigError(f"got before={before} and after={after}, expected 0 steps or more")
    if int(np.sum(lengths)) != len(word):
        raise MismatchError(
            f"got texts of {int(np.sum(lengths))} rows and words of {len(word)}, expected as many"
        )
    text = np.repeat(np.arange(len(lengths)), lengths)
    near = np.array(word)
    for distance in range(1, max(before, after) + 1):
        for steps in [distance] * (distance <= after) + [-distance] * (distance <= before):
            target, source = (slice(steps, None), slice(None, -steps))
            if steps < 0:
                target, source = slice(None, steps), slice(-steps, None)
            # From the words as they stand, so that a window does not grow from row to row.
            reached = (near[target] < 0) & (word[source] >= 0) & (text[target] == text[source])
            near[target][reached] = word[source][reached]
    return near
