"""Score of a bed: a linear readout of the hidden variable from codes, on held-out sequences."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.testbeds.tempbench.data import UNLABELLED, TempBenchData

#: The first step that is read, so that windows of up to 16 steps lie within a sequence, and the
#: distance of the steps that are read.
FIRST_READ, READ_EVERY = 15, 4
_MOST_ITERATIONS = 200


@final
@dataclass(frozen=True)
class TempBenchScore:
    """Score of codes on a bed, between what codes without information and the best codes reach.

    score: mean over the columns of the target of the balanced accuracy (classes) or correlation
    (values) of a linear readout on held-out sequences; of direction recovery on coloured sources.
    chance: the score without information, or that of the best readout that adds up single steps.
    ceiling: the score of the best code of `window` steps, which knows the generator.
    """

    score: float
    chance: float
    ceiling: float
    window: int

    @property
    def recovery(self) -> float:
        """(score - chance) / (1 - chance), the scale on which TempBench reports its numbers."""
        return (self.score - self.chance) / (1 - self.chance)


def read_steps(time: int) -> Int[np.ndarray, " reads"]:
    """The steps whose codes are read: 15, 19, 23, ..."""
    return np.arange(FIRST_READ, time, READ_EVERY)


def read_windows(
    values: Shaped[np.ndarray, "sequences time ..."], window: int
) -> Shaped[np.ndarray, "sequences reads window ..."]:
    """The `window` steps that end with each step that is read.

    Errors: ConfigError where the window is not from 1 to 16 steps.
    """
    if not 1 <= window <= FIRST_READ + 1:
        raise ConfigError(
            f"got window={window}, expected 1 to {FIRST_READ + 1} steps; choose a shorter window"
        )
    steps = read_steps(values.shape[1])[:, None] + np.arange(1 - window, 1)
    return values[:, steps]


def linear_readout(codes: Float[np.ndarray, "sequences time width"], data: TempBenchData) -> float:
    """Held-out score of a linear readout of the bed's target from the codes of single steps.

    Fit on the first half of the sequences, scored on the second. Classes: logistic regression,
    mean recall over classes (balanced accuracy). Values: least squares, Pearson's correlation.
    Source: the readouts of TempBench; there tiles that lie side by side are read, here every
    fourth step from the 16th on, the same steps for every window.
    Errors: MismatchError where the codes are not of the bed's sequences and steps; DataError
    where the steps that are read are of one class.
    """
    if codes.ndim != 3 or codes.shape[:2] != data.target.shape[:2]:
        raise MismatchError(
            f"got codes of shape {tuple(codes.shape)}, expected {data.target.shape[:2]} and a "
            "width; encode the bed's activations, all sequences and steps"
        )
    steps = read_steps(codes.shape[1])
    return readout_of_rows(codes[:, steps], data.target[:, steps], data.classes)


def readout_of_rows(
    codes: Float[np.ndarray, "sequences reads width"],
    target: Shaped[np.ndarray, "sequences reads columns"],
    classes: int | None,
) -> float:
    """Mean over columns of the held-out score of a linear readout; see `linear_readout`."""
    half = len(codes) // 2
    sides = [codes[:half], codes[half:]]
    fit, held_out = (side.reshape(-1, codes.shape[2]).astype(np.float64) for side in sides)
    scale = np.sqrt(np.square(fit).mean(axis=0))
    scale = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    fit, held_out = fit * scale, held_out * scale
    score = _balanced_accuracy if classes else _correlation
    columns = range(target.shape[2])
    labels = [(target[:half, :, i].ravel(), target[half:, :, i].ravel()) for i in columns]
    return float(np.mean([score(fit, y, held_out, z) for y, z in labels]))


def _balanced_accuracy(
    fit: Float[np.ndarray, "rows width"],
    labels: Int[np.ndarray, " rows"],
    held_out: Float[np.ndarray, "others width"],
    true: Int[np.ndarray, " others"],
) -> float:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    use, scored = labels != UNLABELLED, true != UNLABELLED
    if len(np.unique(labels[use])) < 2 or not scored.any():
        raise DataError(
            f"got {len(np.unique(labels[use]))} classes on {use.sum()} steps to fit and "
            f"{scored.sum()} steps to score, expected at least 2 and 1; use more sequences"
        )
    # Rare classes count as much as frequent ones in the score, so they do in the fit.
    model = LogisticRegression(max_iter=_MOST_ITERATIONS, class_weight="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(fit[use], labels[use])
    right = model.predict(held_out[scored]) == true[scored]
    return float(np.mean([right[true[scored] == one].mean() for one in np.unique(true[scored])]))


def _correlation(
    fit: Float[np.ndarray, "rows width"],
    values: Float[np.ndarray, " rows"],
    held_out: Float[np.ndarray, "others width"],
    true: Float[np.ndarray, " others"],
) -> float:
    mean = fit.mean(axis=0)
    weights = np.linalg.lstsq(fit - mean, values - values.mean(), rcond=None)[0]
    predicted = (held_out - mean) @ weights
    if predicted.std() < 1e-12:
        return 0.0
    return float(np.corrcoef(predicted, true)[0, 1])
