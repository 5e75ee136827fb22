"""Preplan and anchor: where attention looks far back, and steps that later predictions rest on."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.attention.heads import future_influence, look_back_distance
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, python_windows
from sparsetime.testbeds.python_code.pretrained import code_model

WINDOWS, LONGEST = 16, 32
NEAREST, FARTHEST, MASKED = 4, 64, 0.1
FIRST = 8  # steps that are not masked, and whose peaks are not counted


@claim(
    "preplan_and_anchor",
    system=315,
    says="Peaks of the distance that steps look back lie within a step of the start of a line at "
    "least 1.2 times as often as other steps do; hiding the tenth of steps with the most future "
    "influence raises the loss of later tokens at least 1.5 times as much as hiding others.",
    data="Python-source model, 16 windows of 256 tokens of held-out modules; chunks are lines",
    expects=[
        AtLeast("peaks at line starts, of all steps there", than=1.2),
        Less("loss increase, random steps", than="loss increase, influential steps"),
        AtLeast("loss increase of influential steps, of random ones", than=1.5),
    ],
    seconds=40,
    rule="In a small model, backward-distance peaks align with chunk starts, and masking high "
    "future-influence tokens hurts later predictions more than random ones.",
    notes="Seeds are of the windows. A hidden step is read by no other; the loss is of tokens that "
    "are hidden in neither case. Chunks of reasoning are taken to be lines of source.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Distances and influence of a dense run, and losses with steps hidden."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: distances are shifted in time, and influential steps are random ones."""
    tokens = python_windows(seed, WINDOWS)
    calls = calls_on(tokens)
    distance = look_back_distance(calls, LONGEST)
    influence = future_influence(calls, NEAREST, FARTHEST)
    rng = seeds.numpy_generator(seed, "random choice")
    if null:
        distance = distance.roll(int(rng.integers(40, 200)), 1)
        influence = torch.from_numpy(rng.random(influence.shape))
    starts = _line_starts(tokens)
    near = starts | starts.roll(1, 1) | starts.roll(-1, 1)
    counted = torch.zeros_like(near)
    counted[:, FIRST:-1] = True
    peaks = _peaks(distance) & counted
    high, chance = _most(influence), _most(torch.from_numpy(rng.random(influence.shape)))
    open_to_both = ~(high | chance)
    before, by_influence, by_chance = (
        _loss(tokens, hidden, open_to_both) for hidden in (torch.zeros_like(high), high, chance)
    )
    return {
        "peaks at line starts, of all steps there": float(
            near[peaks].float().mean() / near[counted].float().mean()
        ),
        "share of steps that are peaks": float(peaks[counted].float().mean()),
        "loss increase, influential steps": by_influence - before,
        "loss increase, random steps": by_chance - before,
        "loss increase of influential steps, of random ones": (by_influence - before)
        / (by_chance - before),
    }


def _line_starts(tokens: Int[Tensor, "batch time"]) -> Bool[Tensor, "batch time"]:
    """Steps behind a token that ends a line."""
    tokenizer = code_model().tokenizer
    assert tokenizer is not None
    ends = torch.tensor([["\n" in tokenizer.decode([t]) for t in row] for row in tokens.tolist()])
    starts = ends.roll(1, 1)
    starts[:, 0] = True
    return starts & ~ends


def _peaks(values: Float[Tensor, "batch time"]) -> Bool[Tensor, "batch time"]:
    """Steps above both neighbours and above the upper quartile of their window."""
    high = values > values.quantile(0.75, 1, keepdim=True)
    return high & (values > values.roll(1, 1)) & (values > values.roll(-1, 1))


def _most(values: Float[Tensor, "batch time"]) -> Bool[Tensor, "batch time"]:
    """The tenth of steps with the largest values, behind the first ones."""
    values = values.float().nan_to_num(-torch.inf)
    values[:, :FIRST] = -torch.inf
    chosen = torch.zeros(values.shape, dtype=torch.bool)
    return chosen.scatter(1, values.topk(int(MASKED * values.shape[1]), 1).indices, True)


@torch.no_grad()
def _loss(
    tokens: Int[Tensor, "batch time"],
    hidden: Bool[Tensor, "batch time"],
    counted: Bool[Tensor, "batch time"],
) -> float:
    """Mean loss in nats of the tokens behind counted steps, where no step reads hidden ones."""
    places = torch.arange(tokens.shape[1]).expand_as(tokens)
    logits = code_model().model(
        tokens, attention_mask=(~hidden).long(), position_ids=places
    ).logits  # fmt: skip
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none"
    )
    some = (counted[:, :-1] & counted[:, 1:]).flatten()
    some = some & (torch.arange(tokens.shape[1] - 1) >= FIRST).repeat(len(tokens))
    return float(losses[some].mean())
