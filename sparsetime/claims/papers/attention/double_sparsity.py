"""Double Sparsity: channels calibrated on one text rank the keys of another."""

import torch

from sparsetime import seeds
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.measures import top_key_recall
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, loss_under, mean_of, python_windows

KEYS, CHANNELS = 16, 8  # a sixteenth of 256 keys; of 32 channels


@claim(
    "double_sparsity",
    system=75,
    says="Eight channels calibrated on training modules find more of the 16 largest keys of other "
    "modules than eight random channels, and with 16 of 256 keys the loss rises by at most 0.1 "
    "nats.",
    data="Python-source model: channels of 8 windows of training modules, recall and loss on 8 "
    "windows of 256 tokens of held-out modules",
    expects=[
        Less("recall of random channels", than="recall of calibrated channels"),
        AtMost("loss over dense", than=0.1),
    ],
    seconds=60,
    rule="Channels calibrated on one text pick top tokens on another with higher recall than "
    "random channels; loss stays near dense at 1/16.",
    notes="Seeds are of the windows and of the random channels. A sixteenth of the keys is of a "
    "whole window; early queries have fewer keys and read a larger share.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Recall over all modules and heads, and two losses."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: random channels stand in the place of the calibrated ones."""
    tokens = python_windows(seed, 8)
    calls = calls_on(tokens)
    calibration = calls_on(python_windows(seed, 8, held_out=False))
    fitted, chance = (
        attention_policy("double_sparsity", channels=CHANNELS, keys=KEYS) for _ in range(2)
    )
    fitted.scorer.fit(calibration)
    chance.scorer.fit(calibration)
    _choose_at_random(chance, seed)
    policy = chance if null else fitted
    return {
        "recall of calibrated channels": _recall(policy, calls),
        "recall of random channels": _recall(chance, calls),
        "loss over dense": loss_under(policy, tokens) - loss_under(None, tokens),
    }


def _choose_at_random(policy: AttentionPolicy, seed: int) -> None:
    """Random channels for every module and head."""
    projection = policy.scorer.projection
    assert isinstance(projection, torch.Tensor)
    generator = seeds.torch_generator(seed, "planted noise")
    order = torch.rand(projection.shape[:3], generator=generator).argsort(-1)[..., :CHANNELS]
    projection.copy_(torch.nn.functional.one_hot(order, projection.shape[2]).float().mT)


def _recall(policy: AttentionPolicy, calls: list[AttentionInputs]) -> float:
    return mean_of([top_key_recall(call, policy.choose(call), KEYS) for call in calls])
