"""judge_steering: features judged against all baselines and nulls by the protocol of arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.generate import logits_of
from sparsetime.interventions.span import Span
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.arm_texts import by_length
from sparsetime.steering.arms.compare_arms import ArmComparison, check_settings, compare_arms
from sparsetime.steering.arms.example_rows import ExampleRows, example_rows
from sparsetime.steering.arms.steering_arm import (
    SteeringArm,
    feature_arm,
    gradient_arm,
    mean_difference_arm,
    probe_arm,
    random_feature_arms,
    reconstruction_arm,
)
from sparsetime.steering.arms.word_judge import WordJudge, distinct_words
from sparsetime.steering.prompts import tokens_of
from sparsetime.steering.steered_sites import sites_to_steer

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex

_LEAST = 8  # examples of each kind: half of them choose directions, half fit the judge


def judge_steering(
    model: LoadedModel,
    dictionaries: Dictionary | Mapping[str, Dictionary],
    prompts: Sequence[str],
    target: Sequence[str] = (),
    other: Sequence[str] = (),
    *,
    features: Mapping[int, float] | Sequence[int] | None = None,
    words: Sequence[str] = (),
    instruction: str | None = None,
    index: FeatureIndex | None = None,
    nulls: int = 4,
    doses: Sequence[float] = (0.5, 1.0, 2.0),
    limit: float = 1.25,
    steps: int = 24,
    span: Span | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> ArmComparison:
    """Judge steering with features against every baseline, by one protocol.

    Arms: the plain model; decode(encode) alone; the features; `nulls` draws of as many random
    features of equal norm; with examples the difference of means and a probe; the gradient of the
    metric, a ceiling; and `instruction` before the prompt. Doses and signs are chosen as
    `compare_arms` does, on half of the prompts.

    dictionaries: one; of a transcoder or of neurons the codes are of the site that it reads, and
    all directions are added at the one that it writes. prompts: texts that are continued, at least
    4. target, other: examples with and without what is steered for, at least 8 of each. Half of
    them choose directions (and the feature, where `features` is None: the one whose mean activation
    differs most in standard deviations); the other half fits the judge, log odds of their words.
    features: numbers, or weights by number. words: the judge is their share of the words instead;
    then examples are optional. index: for
    densities; else those on the examples. The off-target score is the share of different words.

    Errors: ConfigError for too few examples or prompts, a text among both kinds of examples,
    neither examples nor words, neither examples nor features; DataError where no feature is common
    in examples; those of `sites_to_steer` and `compare_arms`.
    """
    sites = sites_to_steer(model, dictionaries)
    if len(sites) > 1:
        raise ConfigError(
            f"got {len(sites)} sites, expected one: the difference of means, the probe and the "
            "gradient are directions of one site; judge them one at a time"
        )
    ((site, own_site),) = sites.items()
    sae, read = own_site.dictionary, own_site.read
    examples = (_once(target), _once(other))
    _check(examples, features, words, nulls)
    prompts = _once(prompts)
    spread = float(sae.output_normalisation.scale)
    check_settings(prompts, doses, limit, spread)
    if features is not None:
        feature_arm(sae, _features(features, None))  # for its errors, before any work
    if words:
        judge = WordJudge.of_words(words)
    else:
        judge = WordJudge.of_examples(examples[0][1::2], examples[1][1::2])
    density = None if index is None else index.features["density"].to_numpy()
    arms = [reconstruction_arm(sae, read=read)]
    rows = None
    if examples[0]:
        # Texts stand in one half alone, so no text chooses a direction and judges it.
        rows = [example_rows(model, site, sae, texts[::2], read) for texts in examples]
        density = (rows[0].density + rows[1].density) / 2 if density is None else density
    chosen = _features(features, rows)
    own = feature_arm(sae, chosen)
    arms.append(own)
    if nulls:
        if density is None:
            density = example_rows(model, site, sae, prompts[::2], read).density
        arms += random_feature_arms(sae, density, list(chosen), nulls, own.name, seed)
    if rows is not None:
        pair = (rows[0].rows, rows[1].rows)
        arms += [mean_difference_arm(*pair), probe_arm(*pair)]
    ceiling = _ceiling(model, site, prompts[::2], judge)
    arms += [] if ceiling is None else [ceiling]
    if instruction:
        arms.append(SteeringArm("prompt", prompt=lambda prompt: instruction + prompt))
    compared = compare_arms(
        model, site, arms, prompts, judge, spread=spread, doses=doses, limit=limit, steps=steps,
        span=span, off_target=distinct_words, temperature=temperature, seed=seed,
    )  # fmt: skip
    about: dict[str, Any] = {
        "site": site,
        "dictionary": dictionary_hash(sae),
        "features": {str(feature): weight for feature, weight in chosen.items()},
        "are_chosen": features is None,
        "judge": "share of the words " + ", ".join(judge.weights) if words else "log odds of words",
        "off_target": "share of different words",
        "prompts": list(prompts[1::2]),
        "doses": list(doses),
        "steps": steps,
    }
    return replace(compared, about=about)


def _once(texts: Sequence[str]) -> list[str]:
    """Texts without repetitions, in their order."""
    return list(dict.fromkeys(text for text in texts if text.strip()))


def _features(
    given: Mapping[int, float] | Sequence[int] | None, rows: Sequence[ExampleRows] | None
) -> dict[int, float]:
    if isinstance(given, Mapping):
        return dict(given)
    if given is not None:
        return dict.fromkeys(given, 1.0)
    assert rows is not None  # checked
    codes = [part.codes for part in rows]
    difference = codes[0].mean(0) - codes[1].mean(0)
    deviation = np.sqrt((codes[0].var(0) + codes[1].var(0)) / 2)
    # A feature of one text alone has a small deviation and is no feature of the kind.
    common = (codes[0] > 0).mean(0) >= 0.5
    score: Float[np.ndarray, " width"] = np.where(common, difference / (deviation + 1e-6), -np.inf)
    if not common.any():
        raise DataError(
            "no feature is active in half of the examples of the target; give features= to judge"
        )
    return {int(score.argmax()): 1.0}


def _ceiling(
    model: LoadedModel, site: str, prompts: Sequence[str], judge: WordJudge
) -> SteeringArm | None:
    """The gradient of the expected weight of the next token; None where no token is a word."""
    weights = judge.token_weights(model.tokenizer)
    if not weights.any():
        return None

    def metric(output: Any) -> Tensor:
        probabilities = logits_of(output, model.model)[:, -1].float().softmax(1)
        known = min(len(weights), probabilities.shape[1])  # a vocabulary may be padded
        return probabilities[:, :known] @ weights[:known].to(probabilities)

    summed = []
    for _, batch in by_length([tokens_of(prompt, model)[0] for prompt in prompts]):
        mean = gradient_arm(model.model, site, batch, metric).direction
        assert isinstance(mean, Tensor)  # the same for every prompt
        summed.append(mean * batch.numel())
    return SteeringArm("gradient", torch.stack(summed).sum(0))


def _check(
    examples: tuple[list[str], list[str]],
    features: Mapping[int, float] | Sequence[int] | None,
    words: Sequence[str],
    nulls: int,
) -> None:
    counts = [len(texts) for texts in examples]
    if any(counts) and min(counts) < _LEAST:
        raise ConfigError(
            f"got {counts[0]} examples of the target and {counts[1]} others, expected at least "
            f"{_LEAST} different ones of each, or words="
        )
    if both := set(examples[0]).intersection(examples[1]):
        raise ConfigError(
            f"got {len(both)} texts among the examples of the target and among the others, such as "
            f"{min(both)!r}, expected each in one of them; leave it out of the other"
        )
    if not any(counts) and not words:
        raise ConfigError(
            "got neither examples nor words, expected target= and other= texts, or words= that are "
            "counted: they judge the continuations"
        )
    if features is not None and not len(features):
        raise ConfigError("got no features, expected at least one; leave features= out to choose")
    if not any(counts) and features is None:
        raise ConfigError(
            "got neither examples nor features, expected features= to steer with, or examples that "
            "choose one"
        )
    if nulls < 0:
        raise ConfigError(f"got nulls={nulls}, expected random draws from 0 on")
