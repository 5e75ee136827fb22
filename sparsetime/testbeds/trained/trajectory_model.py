"""A small causal transformer that forecasts the next displacement of an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.testbeds.trained.trained_model import train_steps, trained_model
from sparsetime.testbeds.trained.trajectories import trajectories

SITE = "transformer.layers.1"
D, LAYERS, HEADS, HIDDEN, LENGTH = 64, 3, 4, 128, 24
_BATCH, _RATE = 128, 3e-3


@final
class TrajectoryModel(nn.Module):
    """Maps displacements [batch, steps, 2] to forecasts of the next one at every step.

    A Llama decoder of `transformers` between two linear maps; `transformer.layers.0` to
    `transformer.layers.2` are its sites, of width 64.
    """

    def __init__(self) -> None:
        from transformers import LlamaConfig, LlamaModel

        super().__init__()
        self.enter = nn.Linear(2, D)
        self.transformer: Any = LlamaModel(
            LlamaConfig(
                vocab_size=1,
                hidden_size=D,
                intermediate_size=HIDDEN,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                num_key_value_heads=HEADS,
                max_position_embeddings=4 * LENGTH,
                pad_token_id=None,
                bos_token_id=None,
                eos_token_id=None,
                use_cache=False,
            )
        )
        self.leave = nn.Linear(D, 2)

    def forward(self, x: Float[Tensor, "batch steps 2"]) -> Float[Tensor, "batch steps 2"]:
        hidden = self.transformer(inputs_embeds=self.enter(x), use_cache=False).last_hidden_state
        return cast(Tensor, self.leave(hidden))


def trajectory_model(steps: int = 300) -> TrajectoryModel:
    """The model trained on made trajectories, 128 a step; trained once, in half a minute."""
    model, _ = trained_model(
        "trajectories", {"steps": steps}, TrajectoryModel, lambda module: _train(module, steps)
    )
    return cast(TrajectoryModel, model)


def _train(model: nn.Module, steps: int) -> Mapping[str, float]:
    data = trajectories(_BATCH * steps, LENGTH, part="train").displacements.split(_BATCH)

    def loss(step: int) -> Tensor:
        batch = data[step]
        return nn.functional.mse_loss(model(batch[:, :-1]), batch[:, 1:])

    return {"loss": train_steps(model, loss, steps, _RATE)}
