"""Any torch module in training: torch optimisers, a learning-rate schedule, gradient clipping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.files import Folder
from sparsetime.training.trainable import Trainable
from sparsetime.training.trained_parameters import (
    check_reached,
    nothing_to_train,
    trained_parameters,
)

B = TypeVar("B")
WEIGHTS = "model.safetensors"


class ModuleTrainable(Trainable[B]):
    """A torch module with optimisers over its parameters; a subclass defines the loss.

    optimisers: together they hold every parameter that is trained. learning_rate: of step `number`,
    for all of them. grad_clip: the largest Euclidean norm of all gradients together.
    """

    files: ClassVar[tuple[str, ...]] = (WEIGHTS,)

    def __init__(
        self,
        name: str,
        module: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        learning_rate: Callable[[int], float],
        grad_clip: float,
    ) -> None:
        super().__init__(name)
        self._trained = trained_parameters(module, f"the module {name!r}")
        if not self._trained:
            raise nothing_to_train(module, f"the module {name!r}")
        self.module = module.train()
        self._optimisers = tuple(optimisers)
        self._learning_rate = learning_rate
        self._grad_clip = grad_clip
        self.last_loss = float("nan")

    def update(self, loss: Float[Tensor, ""], number: int) -> None:
        """Backpropagate, clip, and step every optimiser at the learning rate of the schedule."""
        for optimiser in self._optimisers:
            optimiser.zero_grad()
        check_reached(loss, self._trained, f"the loss of {self.name!r}")
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), self._grad_clip)
        rate = self._learning_rate(number)
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        self.last_loss = float(loss.detach())

    def metrics(self) -> dict[str, Any]:
        """The loss of the last step."""
        return {"loss": self.last_loss}

    def state(self) -> dict[str, Tensor]:
        """Weights and buffers, and what each optimiser keeps of each parameter."""
        tensors = {f"module/{name}": tensor for name, tensor in self.weights().items()}
        for number, optimiser in enumerate(self._optimisers):
            for parameter, kept in optimiser.state_dict()["state"].items():
                for name, value in kept.items():
                    tensors[f"optimiser/{number}/{parameter}/{name}"] = torch.as_tensor(value)
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Set everything to what `state` returned."""
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self._optimisers]
        weights = {}
        for key, tensor in tensors.items():
            kind, _, rest = key.partition("/")
            if kind == "module":
                weights[rest] = tensor
            else:
                number, parameter, name = rest.split("/")
                states[int(number)].setdefault(int(parameter), {})[name] = tensor
        self._set_weights(weights)
        for optimiser, state in zip(self._optimisers, states, strict=True):
            optimiser.load_state_dict(optimiser.state_dict() | {"state": state})

    def save(self, folder: str) -> None:
        """Write the weights as one safetensors file."""
        Folder(folder).write_tensors(WEIGHTS, self.weights())

    def load(self, folder: str) -> None:
        """Set the weights to those that `save` wrote."""
        self._set_weights(Folder(folder).read_tensors(WEIGHTS, 1))

    def weights(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, a tied one (a head that is the embedding) once."""
        unique: dict[int, str] = {}
        tensors = self.module.state_dict(keep_vars=True)
        for name, tensor in tensors.items():
            unique.setdefault(id(tensor), name)
        return {name: tensors[name].detach() for name in unique.values()}

    @torch.no_grad()
    def _set_weights(self, tensors: dict[str, Tensor]) -> None:
        # Copied in place, so that optimisers and tied parameters keep their tensors.
        for name, tensor in self.weights().items():
            tensor.copy_(tensors[name])
