"""compare_arms: steering judged at one bound of perplexity, doses chosen on other prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.files import Folder
from sparsetime.interventions.span import Span
from sparsetime.models.load import LoadedModel
from sparsetime.statistics.estimate import Estimate, estimate
from sparsetime.steering.arms.arm_texts import ArmTexts, arm_texts
from sparsetime.steering.arms.steering_arm import SteeringArm

#: From continuations to one number each, the higher the more of the target.
Judge: TypeAlias = Callable[[Sequence[str]], Float[np.ndarray, " texts"]]
PLAIN = "plain"
RECORD_VERSION = 1  # of a saved comparison


@final
@dataclass(frozen=True, eq=False)
class ArmScore:
    """One arm at the dose that was chosen for it, on the reported prompts.

    dose: norm of the added vector over the site's spread, with the sign, 1 of a prompt
    or a reconstruction; 0 where none raised the score within the bound, so that texts are those of
    the model as it is.
    target, off_target: means over prompts of what the judges gave. perplexity: of the
    continuations, by the model as it is, over that of its own.
    """

    name: str
    dose: float
    target: Estimate
    perplexity: float
    off_target: Estimate | None = None
    texts: tuple[str, ...] = field(default=(), repr=False)


@final
@dataclass(frozen=True, eq=False)
class ArmComparison:
    """Scores of all arms by name, the plain one first.

    limit: bound of the perplexity, as a multiple of the plain one. nulls: by arm those that took
    its dose. spread: standard deviation of the plain scores over prompts. about: features, judge
    and prompts, where `judge_steering` made it.
    """

    scores: dict[str, ArmScore]
    limit: float
    nulls: dict[str, tuple[str, ...]]
    spread: float
    about: dict[str, Any] = field(default_factory=dict)

    def shift(self, name: str) -> float:
        """Score of an arm less the plain one. Errors: UnknownNameError for an unknown arm."""
        if name not in self.scores:
            raise unknown_name("arm", name, self.scores)
        return self.scores[name].target.value - self.scores[PLAIN].target.value

    def effect_size(self, name: str) -> float:
        """The shift over the standard deviation of the plain scores; NaN where that is 0."""
        return self.shift(name) / self.spread if self.spread > 0 else float("nan")

    def rank(self, name: str) -> float:
        """Empirical rank among the nulls of equal norm: (1 + those as high) / (1 + all of them)."""
        own = self.scores[name].target.value if name in self.scores else 0.0
        nulls = [self.scores[one].target.value for one in self.nulls.get(name, ())]
        if not nulls:
            raise unknown_name("arm with nulls", name, self.nulls)
        return (1 + sum(value >= own for value in nulls)) / (1 + len(nulls))

    def to_record(self) -> dict[str, Any]:
        """All scores as JSON values."""
        return {
            "schema_version": RECORD_VERSION,
            "limit": self.limit,
            "about": self.about,
            "arms": [
                {
                    "name": one.name,
                    "dose": one.dose,
                    "perplexity": one.perplexity,
                    "target": one.target.value,
                    "target_interval": one.target.interval,
                    "off_target": None if one.off_target is None else one.off_target.value,
                    "shift": self.shift(one.name),
                    "effect_size": self.effect_size(one.name) if self.spread > 0 else None,
                    "null_of": next((a for a, own in self.nulls.items() if one.name in own), None),
                    "texts": list(one.texts),
                    "rank": self.rank(one.name) if one.name in self.nulls else None,
                }
                for one in self.scores.values()
            ],
        }

    def save(self, folder: str | Path, name: str | None = None) -> str:
        """Write `judged/<name>.json` into a folder; returns the name.

        In the folder of an index the explorer shows what `judge_steering` made. name: None for the
        numbers of the features that it judged.
        """
        where = Folder(str(folder)) / "judged"
        where.make()
        own = name or "-".join(self.about.get("features", ())) or "arms"
        where.write_json(f"{own}.json", self.to_record())
        return own


def compare_arms(
    model: LoadedModel,
    site: str,
    arms: Sequence[SteeringArm],
    prompts: Sequence[str],
    judge: Judge,
    *,
    spread: float,
    doses: Sequence[float] = (0.5, 1.0, 2.0),
    limit: float = 1.25,
    steps: int = 24,
    span: Span | None = None,
    off_target: Judge | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> ArmComparison:
    """Continue prompts under every arm, and judge the texts by one protocol.

    Of the prompts every other one chooses, and the rest are reported. An arm's dose is the one, of
    either sign, with the highest score on the first half among those whose texts have at most
    `limit` times the perplexity that the model's own have there; dose 0 where none is higher. Arms
    that are nulls of another take the size of its dose, and choose the sign alone. So all arms are
    compared at one bound of perplexity, and nulls at equal norm.

    arms: without the plain one, which is added. judge: of texts of continuations; what it was
    fitted on must share nothing with what chose the directions. spread: root mean squared distance
    of the site's activations from their mean, the unit of doses. span: None for every step.
    off_target: judge of what should stay.

    Errors: ConfigError for fewer than four prompts, doses that are not positive, and arms of one
    name; UnknownNameError for a null of no arm; those of `arm_texts`.
    """
    check_settings(prompts, doses, limit, spread)
    _check_arms(arms)
    choosing, reported = prompts[::2], prompts[1::2]

    def texts_of(arm: SteeringArm, given: Sequence[str], dose: float) -> ArmTexts:
        return arm_texts(model, site, arm, given, dose * spread, steps, span, temperature, seed)

    plain_arm = SteeringArm(PLAIN)
    plain = {
        part: texts_of(plain_arm, part_prompts, 0.0)
        for part, part_prompts in (("choosing", choosing), ("reported", reported))
    }
    base = float(np.mean(judge(plain["choosing"].texts)))
    own_judged = judge(plain["reported"].texts)
    chosen: dict[str, float] = {}
    scores = {
        PLAIN: _score(PLAIN, 0.0, plain["reported"], plain["reported"], judge, off_target, seed)
    }
    for arm in sorted(arms, key=lambda one: one.equal_norm_of is not None):
        tried = _doses(arm, doses, chosen)
        best, highest = float(arm.reconstruction is not None), base
        for dose in tried:
            written = texts_of(arm, choosing, dose)
            if (
                written.perplexity > limit * plain["choosing"].perplexity
                and arm.equal_norm_of is None
            ):
                continue
            value = float(np.mean(judge(written.texts)))
            if value > highest or (arm.equal_norm_of is not None and best == 0.0):
                best, highest = dose, value
        chosen[arm.name] = best
        is_plain = best == 0.0 and (arm.prompt is None or arm.direction is None)
        written = plain["reported"] if is_plain else texts_of(arm, reported, best)
        scores[arm.name] = _score(
            arm.name, best, written, plain["reported"], judge, off_target, seed
        )
    nulls: dict[str, tuple[str, ...]] = {}
    for arm in arms:
        if arm.equal_norm_of is not None:
            nulls[arm.equal_norm_of] = (*nulls.get(arm.equal_norm_of, ()), arm.name)
    deviation = float(np.std(own_judged, ddof=1)) if len(own_judged) > 1 else 0.0
    return ArmComparison(scores, limit, nulls, deviation)


def _doses(arm: SteeringArm, doses: Sequence[float], chosen: Mapping[str, float]) -> list[float]:
    if arm.reconstruction is not None:
        return []
    if arm.direction is None:
        return [1.0]  # a prompt has one dose
    sizes = doses if arm.equal_norm_of is None else [abs(chosen[arm.equal_norm_of])]
    return [sign * size for size in sizes for sign in arm.signs if size]


def _score(
    name: str,
    dose: float,
    written: ArmTexts,
    plain: ArmTexts,
    judge: Judge,
    off_target: Judge | None,
    seed: int,
) -> ArmScore:
    def over_prompts(values: Float[np.ndarray, " texts"]) -> Estimate:
        return estimate(lambda weights: weights @ values / weights.sum(1), len(values), seed=seed)

    return ArmScore(
        name,
        dose,
        over_prompts(np.asarray(judge(written.texts), dtype=float)),
        written.perplexity / plain.perplexity,
        None
        if off_target is None
        else over_prompts(np.asarray(off_target(written.texts), dtype=float)),
        tuple(written.texts),
    )


def check_settings(
    prompts: Sequence[str], doses: Sequence[float], limit: float, spread: float
) -> None:
    """Errors: ConfigError for fewer than four prompts, and settings that are not positive."""
    if len(prompts) < 4:
        raise ConfigError(
            f"got {len(prompts)} prompts, expected at least 4: half of them choose doses"
        )
    if not doses or min(doses) <= 0 or not limit > 1 or not spread > 0:
        raise ConfigError(
            f"got doses={list(doses)}, limit={limit} and spread={spread}; expected positive doses "
            "and spread, and a limit above 1"
        )


def _check_arms(arms: Sequence[SteeringArm]) -> None:
    names = [PLAIN, *(arm.name for arm in arms)]
    if len(set(names)) < len(names):
        raise ConfigError(f"got arms named {names[1:]}, expected different names, none {PLAIN!r}")
    for arm in arms:
        if arm.equal_norm_of is not None and arm.equal_norm_of not in names[1:]:
            raise unknown_name("arm of equal norm", arm.equal_norm_of, names[1:])
        if arm.direction is None and arm.prompt is None and arm.reconstruction is None:
            raise DataError(f"got the arm {arm.name!r} without a direction or a prompt")
