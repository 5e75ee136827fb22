"""Targets of an attribution graph: logits, differences of logits, features and their onsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError, DataError

_MOST = 10  # logits of a graph without targets
_MASS = 0.95  # of the probability that they hold together


@final
@dataclass(frozen=True)
class Target:
    """What a graph explains, as `logit`, `logit_difference`, `feature` and `onset` make it.

    token, other: token numbers or texts; other is None for the mean over all tokens. site, latent:
    of a feature, the site that it reads or the one of its dictionary. step: None for the last one.
    """

    kind: Literal["logit", "feature", "onset"]
    step: int | None = None
    token: int | str | None = None
    other: int | str | None = None
    site: str = ""
    latent: int = 0


def logit(token: int | str, step: int | None = None) -> Target:
    """The logit of a token minus the mean logit, at a step (None: the last)."""
    return Target("logit", step, token)


def logit_difference(token: int | str, other: int | str, step: int | None = None) -> Target:
    """The logit of a token minus that of another one, at a step (None: the last)."""
    return Target("logit", step, token, other)


def feature(site: str, latent: int, step: int | None = None) -> Target:
    """The pre-activation of a feature at a step (None: the last); it need not be active."""
    return Target("feature", step, site=site, latent=latent)


def onset(site: str, latent: int, step: int) -> Target:
    """The rise of a feature's pre-activation from the step before to `step`."""
    return Target("onset", step, site=site, latent=latent)


def parsed_feature(text: str) -> tuple[str, int, int]:
    """Site, latent and step of "SITE/LATENT@STEP", as the command line takes them.

    Errors: ConfigError for another form.
    """
    site, slash, rest = text.rpartition("/")
    latent, at, step = rest.partition("@")
    try:
        if slash and at:
            return site, int(latent), int(step)
    except ValueError:
        pass
    raise ConfigError(f"got {text!r}, expected SITE/LATENT@STEP, such as model.layers.1.mlp/7@12")


TargetLike: TypeAlias = Target | str | int
#: From a site and a latent: the site that is read, the direction there, and the offset.
Direction: TypeAlias = Callable[[str, int], tuple[str, Float[Tensor, " d"], float]]


@final
@dataclass(frozen=True, eq=False)
class TargetVector:
    """A target as an affine function of what is read at one site.

        value = sum over steps of vector · read + offset

    vector: [time, d]. weight: its share of the influence; of logits their probability. step: the
    step that lags are counted from.
    """

    name: str
    site: str
    step: int
    vector: Float[Tensor, "time d"]
    offset: float
    weight: float


def target_vectors(
    targets: TargetLike | Sequence[TargetLike] | None,
    logits: Float[Tensor, "time vocabulary"],
    head: str,
    tokenizer: Any,
    direction: Direction,
) -> list[TargetVector]:
    """The targets as vectors; None stands for the likeliest tokens after the last step.

    logits: of the pass. head: the site that gives them. direction: of a feature's pre-activation.

    Errors: ConfigError for no targets, an unknown token or a step beyond the input.
    """
    time = len(logits)
    if targets is None:
        listed: list[TargetLike] = list(_likeliest(logits[-1]))
    elif isinstance(targets, Target | str | int):
        listed = [targets]
    else:
        listed = list(targets)
    if not listed:
        raise ConfigError("got no targets, expected one or more, or None for the likeliest tokens")
    found = [
        _vector(one if isinstance(one, Target) else logit(one), logits, head, tokenizer, direction)
        for one in listed
    ]
    assert all(vector.vector.shape[0] == time for vector in found)
    total = sum(vector.weight for vector in found)
    return [
        TargetVector(v.name, v.site, v.step, v.vector, v.offset, v.weight / total) for v in found
    ]


def _likeliest(logits: Float[Tensor, " vocabulary"]) -> list[int]:
    probabilities, tokens = logits.softmax(0).sort(descending=True)
    below = int((probabilities.cumsum(0) < _MASS).sum()) + 1
    return [int(token) for token in tokens[: min(below, _MOST)]]


def _vector(
    target: Target, logits: Tensor, head: str, tokenizer: Any, direction: Direction
) -> TargetVector:
    time, vocabulary = logits.shape
    step = time - 1 if target.step is None else target.step
    step = step + time if step < 0 else step
    first = 1 if target.kind == "onset" else 0
    if not first <= step < time:
        raise ConfigError(
            f"got step {target.step} for a target, expected {first} to {time - 1}, a step of the "
            "input"
        )
    if target.kind == "logit":
        assert target.token is not None
        token = token_number(target.token, tokenizer, vocabulary)
        vector = torch.zeros(time, vocabulary)
        vector[step, token] = 1
        name = token_text(token, tokenizer)
        if target.other is None:
            vector[step] -= 1 / vocabulary
            weight = float(logits[step].softmax(0)[token])
        else:
            other = token_number(target.other, tokenizer, vocabulary)
            vector[step, other] -= 1
            name, weight = f"{name} - {token_text(other, tokenizer)}", 1.0
        return TargetVector(name, head, step, vector, 0.0, max(weight, 1e-9))
    site, read, offset = direction(target.site, target.latent)
    vector = torch.zeros(time, len(read))
    vector[step] = read
    name = f"{target.site} {target.latent}"
    if target.kind == "onset":
        vector[step - 1] -= read
        name, offset = f"onset of {name}", 0.0
    return TargetVector(name, site, step, vector, offset, 1.0)


def token_number(token: int | str, tokenizer: Any, vocabulary: int) -> int:
    """The number of a token. Errors: ConfigError for a text that is not one token."""
    if isinstance(token, str):
        if tokenizer is None:
            raise ConfigError(
                f"got the token {token!r} and no tokenizer; give the token's number, or tokenizer="
            )
        numbers = tokenizer.encode(token, add_special_tokens=False)
        if len(numbers) != 1:
            raise ConfigError(
                f"got the token {token!r}, which the tokenizer divides into {len(numbers)} tokens; "
                "give one token, with the space before it where there is one"
            )
        token = int(numbers[0])
    if not 0 <= token < vocabulary:
        raise ConfigError(f"got token {token}, expected 0 to {vocabulary - 1}")
    return token


def token_text(token: int, tokenizer: Any) -> str:
    """The text of a token, or its number where there is no tokenizer."""
    if tokenizer is None:
        return str(token)
    return str(tokenizer.decode([token]))


def tokens_of(text: Any, tokenizer: Any) -> tuple[Tensor, list[str]]:
    """Token numbers [time] of a text or of tokens, and the text of each.

    Errors: DataError for an empty input, several sequences, or a text without a tokenizer.
    """
    if isinstance(text, str):
        if tokenizer is None:
            raise DataError(
                "got a text and a model without a tokenizer; give tokens [time], or tokenizer="
            )
        numbers = torch.tensor(tokenizer(text)["input_ids"], dtype=torch.int64)
    else:
        numbers = torch.as_tensor(text).long().squeeze(0)
    if numbers.ndim != 1 or len(numbers) == 0:
        raise DataError(
            f"got an input of shape {list(numbers.shape)}, expected one text or one sequence of "
            "tokens [time]"
        )
    return numbers, [token_text(int(n), tokenizer) for n in numbers]
