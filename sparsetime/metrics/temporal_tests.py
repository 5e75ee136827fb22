"""st.temporal_tests: whether a model or a feature needs time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, overload

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.features.index import FeatureIndex
from sparsetime.features.time_need.needs_time import NeedsTime, needs_time
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.untrained import untrained_copy
from sparsetime.statistics.estimate import Estimate, Statistic, estimate, ratio

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.code_source import CodeSource

_AT_ONCE = 256
_NULL = "an untrained copy of the model"


@final
@dataclass(frozen=True, eq=False)
class TemporalTests:
    """What a classifier of sequences loses without time.

    accuracy: of whole sequences. one_step: accuracy by step, of that step alone. shuffled: accuracy
    of sequences in random orders. gain, order, disparity: see `temporal_tests`; each with its
    interval over sequences, and with an untrained copy of the model as its null.
    """

    accuracy: float
    one_step: Float[np.ndarray, " steps"]
    shuffled: float
    gain: Estimate
    order: Estimate
    disparity: Estimate


@overload
def temporal_tests(
    tested: FeatureIndex,
    data: Any = None,
    labels: None = None,
    *,
    source: Dictionary | CodeSource,
    store: Store,
    model: str | Path | nn.Module | LoadedModel,
    untrained: nn.Module | LoadedModel | None = None,
    shuffles: int = 2,
    block: int = 1,
    seed: int = 0,
    progress: bool = True,
) -> NeedsTime: ...


@overload
def temporal_tests(
    tested: str | Path | nn.Module | LoadedModel,
    data: Shaped[Tensor, "sequences steps ..."],
    labels: Int[Tensor, " sequences"],
    *,
    untrained: nn.Module | LoadedModel | None = None,
    shuffles: int = 2,
    seed: int = 0,
) -> TemporalTests: ...


def temporal_tests(
    tested: FeatureIndex | str | Path | nn.Module | LoadedModel,
    data: Any = None,
    labels: Any = None,
    *,
    source: Dictionary | CodeSource | None = None,
    store: Store | None = None,
    model: str | Path | nn.Module | LoadedModel | None = None,
    untrained: nn.Module | LoadedModel | None = None,
    shuffles: int = 2,
    block: int = 1,
    seed: int = 0,
    progress: bool = True,
) -> TemporalTests | NeedsTime:
    """Whether a model needs time to answer, or features of an index need it to be active.

    Of a model, from sequences [sequences, steps, ...] to logits [sequences, classes], or logits of
    every step of which the last counts:

        gain      = accuracy / mean accuracy of one step alone - 1
        order     = accuracy / accuracy with the steps in a random order - 1
        disparity = share of steps that alone get another answer than the sequence

    A step alone is shown at every step, so that the length stays. All are about 0 where any single
    step answers. Each has an untrained copy of the model as its null (`models.untrained_copy`, or
    `untrained=`), and its interval over resamples of sequences.

    Of an index, with the `source` that was indexed, its `store` and the `model` of the store, what
    each feature's activation loses where steps change places (`features.needs_time`); `data` then
    are what was captured, if the store does not keep it.

    Source: Shangguan et al. 2024, arXiv:2410.23266 (gain, order, disparity as principles; the
    equation of disparity is ours).

    Errors: DataError for other shapes, for fewer than two steps, and for labels that are no class;
    ConfigError for an index without source, store or model, and for shuffles below 1; those of
    `features.needs_time`.
    """
    if isinstance(tested, FeatureIndex):
        if source is None or store is None or model is None:
            raise ConfigError(
                "got an index without source=, store= or model=, expected all three: the "
                "dictionary that was indexed, its store, and the model of the store"
            )
        return needs_time(
            *(tested, source, store, model, data),
            untrained=untrained,
            shuffles=shuffles,
            block=block,
            seed=seed,
            progress=progress,
        )
    if shuffles < 1:
        raise ConfigError(f"got shuffles={shuffles}, expected at least 1 random order")
    x, classes = _checked(data, labels)
    loaded = load_model(tested)
    twin = untrained_copy(loaded, seed) if untrained is None else load_model(untrained)
    trained, null = (_answers(one.model, x, shuffles, seed) for one in (loaded, twin))
    return TemporalTests(
        float((trained.whole == classes).mean()),
        (trained.alone == classes[:, None]).mean(0),
        float((trained.shuffled == classes[:, None]).mean()),
        *(
            estimate(of(trained, classes), len(classes), _value(of(null, classes), len(classes)),
                     _NULL, seed)
            for of in (_gain, _order, _disparity)
        ),
    )  # fmt: skip


@final
@dataclass(frozen=True, eq=False)
class _Answers:
    """Classes that a model answers: of sequences, of each step alone, and of random orders."""

    whole: Int[np.ndarray, " sequences"]
    alone: Int[np.ndarray, "sequences steps"]
    shuffled: Int[np.ndarray, "sequences shuffles"]


def _checked(data: Any, labels: Any) -> tuple[Tensor, Int[np.ndarray, " sequences"]]:
    x = torch.as_tensor(data)
    classes = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if x.ndim < 2 or x.shape[1] < 2 or classes.shape != (len(x),) or not len(x):
        raise DataError(
            f"got data of shape {list(x.shape)} and labels of shape {list(classes.shape)}, "
            "expected [sequences, steps, ...] with at least two steps, and a class a sequence"
        )
    if classes.dtype.kind not in "iub" or classes.min() < 0:
        raise DataError(
            f"got labels of {classes.dtype}, expected numbers of classes, from 0; number them"
        )
    return x, classes.astype(np.int64)


def _answers(model: nn.Module, x: Tensor, shuffles: int, seed: int) -> _Answers:
    steps = x.shape[1]
    with eval_mode(model):
        alone = [_classes(model, x[:, t : t + 1].expand_as(x)) for t in range(steps)]
        shuffled = []
        for order in range(shuffles):
            draw = seeds.torch_generator(seed, "shuffled frames", order)
            places = torch.rand(x.shape[:2], generator=draw).argsort(1)
            moved = x[torch.arange(len(x))[:, None], places.to(x.device)]
            shuffled.append(_classes(model, moved))
        return _Answers(_classes(model, x), np.stack(alone, 1), np.stack(shuffled, 1))


def _classes(model: nn.Module, x: Tensor) -> Int[np.ndarray, " sequences"]:
    """The class of largest logit. Errors: DataError for other outputs."""
    found = []
    device = next((one.device for one in model.parameters()), x.device)
    for part in torch.split(x, _AT_ONCE):
        logits = model(part.to(device))
        if not isinstance(logits, Tensor) or logits.ndim not in (2, 3):
            shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise DataError(
                f"got {shape} from the model, expected logits [sequences, classes] or [sequences, "
                "steps, classes]; wrap it in a module that returns them"
            )
        found.append((logits if logits.ndim == 2 else logits[:, -1]).argmax(1))
    answered: Int[np.ndarray, " sequences"] = torch.cat(found).cpu().numpy()
    return answered


def _right(
    answers: Int[np.ndarray, "sequences answers"], classes: Int[np.ndarray, " sequences"]
) -> Float[np.ndarray, " sequences"]:
    right: Float[np.ndarray, " sequences"] = (answers == classes[:, None]).mean(1)
    return right


def _excess(
    more: Bool[np.ndarray, " sequences"], less: Float[np.ndarray, " sequences"]
) -> Statistic:
    return lambda weights: ratio(weights @ more, weights @ less) - 1


def _gain(answers: _Answers, classes: Int[np.ndarray, " sequences"]) -> Statistic:
    return _excess(answers.whole == classes, _right(answers.alone, classes))


def _order(answers: _Answers, classes: Int[np.ndarray, " sequences"]) -> Statistic:
    return _excess(answers.whole == classes, _right(answers.shuffled, classes))


def _disparity(answers: _Answers, _: Int[np.ndarray, " sequences"]) -> Statistic:
    other = 1 - _right(answers.alone, answers.whole)
    return lambda weights: weights @ other / weights.sum(1)


def _value(statistic: Callable[..., Any], groups: int) -> float:
    return float(statistic(np.ones((1, groups)))[0])
