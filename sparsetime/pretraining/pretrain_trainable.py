"""A sequence model in pretraining: AdamW, the terms of an objective, a teacher that follows."""

from __future__ import annotations

from typing import Any, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime import seeds
from sparsetime.files import Folder
from sparsetime.pretraining.objective import ModelUnderObjective
from sparsetime.pretraining.pretrain_config import PretrainConfig
from sparsetime.sequence_models.serialise import JSON_NAME, WEIGHTS_NAME
from sparsetime.training.module_trainable import ModuleTrainable
from sparsetime.training.schedule import warmup_linear_decay

_TERMS = "pretraining_terms.safetensors"


@final
class PretrainTrainable(ModuleTrainable[Tensor]):
    """The model, its terms and its teacher; what is saved opens as a sequence model.

    Masks, crops and noise of a step are a function of the seed and the number of the step.
    """

    files = (_TERMS, WEIGHTS_NAME, JSON_NAME)

    def __init__(self, name: str, under: ModelUnderObjective, config: PretrainConfig) -> None:
        rate = config.learning_rate
        trained = [one for one in under.parameters() if one.requires_grad]
        optimiser = torch.optim.AdamW(trained, rate, weight_decay=config.weight_decay)
        super().__init__(
            name,
            under,
            [optimiser] if trained else [],
            lambda step: rate * warmup_linear_decay(step, config.steps, config.warmup_steps),
            config.grad_clip,
        )
        self.under, self._seed = under, config.seed
        self._device = next(under.model.parameters()).device
        self._losses: dict[str, Tensor] = {}

    def loss(self, batch: Shaped[Tensor, "batch steps ..."], number: int) -> Float[Tensor, ""]:
        """The sum of all terms."""
        random = seeds.torch_generator(self._seed, "masks and crops of pretraining", number)
        losses = self.under.losses(batch.to(self._device), random)
        self._losses = {name: loss.detach() for name, loss in losses.items()}
        return torch.stack(list(losses.values())).sum()

    def observe(self) -> None:
        """Move the teacher."""
        self.under.update_teacher()

    def metrics(self) -> dict[str, Any]:
        """The loss of the last step, and each of its terms."""
        terms = {f"loss_{name}": round(float(loss), 6) for name, loss in self._losses.items()}
        return {"loss": round(self.last_loss, 6), **terms}

    def save(self, folder: str) -> None:
        """Write the terms and the teacher, then the model, whose JSON marks a finished run."""
        Folder(folder).write_tensors(_TERMS, self._beside_the_model())
        self.under.model.save(folder)

    def load(self, folder: str) -> None:
        """Set all weights to those that `save` wrote."""
        tensors = Folder(folder).read_tensors(WEIGHTS_NAME, again="Restore it, or train again")
        beside = Folder(folder).read_tensors(_TERMS, again="Restore it, or train again")
        self._set_weights({f"model.{name}": one for name, one in tensors.items()} | beside)

    def _beside_the_model(self) -> dict[str, Tensor]:
        return {n: one for n, one in self.weights().items() if not n.startswith("model.")}
