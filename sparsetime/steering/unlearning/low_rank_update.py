"""Low-rank updates of linear maps of a model, trained beside frozen weights, then merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.models.wrappers import hook_output, submodule


@final
class LowRankUpdate(nn.Module):
    """Updates W + B A of linear maps, by the path of each.

        y = W x + b + B (A x),  A: [rank, d_in] random, B: [d_out, rank] at first 0

    Source: Hu et al. 2021, LoRA, arXiv:2106.09685, with a scale of 1.

    Errors: UnknownNameError for a path that does not exist; ConfigError for a module that is no
    `torch.nn.Linear`, and a rank above its sides.
    """

    def __init__(self, model: nn.Module, paths: Sequence[str], rank: int, seed: int = 0) -> None:
        super().__init__()
        self._model = [model]  # a list, so that its parameters are not this module's
        self.rank = rank
        known = dict(model.named_modules())
        self.paths = tuple(paths)
        self.down, self.up = nn.ParameterList(), nn.ParameterList()
        for path in self.paths:
            if path not in known:
                raise unknown_name("module", path, known)
            linear = known[path]
            if not isinstance(linear, nn.Linear):
                raise ConfigError(
                    f"got the module {path!r}, a {type(linear).__name__}, expected a "
                    "torch.nn.Linear; name others by modules="
                )
            d_out, d_in = linear.weight.shape
            if not 1 <= rank <= min(d_out, d_in):
                raise ConfigError(
                    f"got rank={rank} for {path!r} of {d_out} x {d_in}, expected 1 to "
                    f"{min(d_out, d_in)}"
                )
            generator = seeds.torch_generator(seed, "low-rank update", path)
            drawn = torch.randn(rank, d_in, generator=generator) / d_in**0.5
            self.down.append(nn.Parameter(drawn.to(linear.weight)))
            self.up.append(nn.Parameter(torch.zeros(d_out, rank).to(linear.weight)))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the model's passes have the updates."""
        handles = []
        for number, path in enumerate(self.paths):

            def added(
                module: nn.Module, args: tuple[Any, ...], output: Tensor, n: int = number
            ) -> Tensor:
                added: Tensor = (args[0] @ self.down[n].T) @ self.up[n].T
                return output + added

            handles.append(hook_output(submodule(self._model[0], path), added))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def factors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """A and B by path, without gradients."""
        return {
            path: (self.down[n].detach(), self.up[n].detach()) for n, path in enumerate(self.paths)
        }

    @torch.no_grad()
    def merge_into(self, model: nn.Module) -> None:
        """Add B A to the weights of a model, of equal modules."""
        for path, (down, up) in self.factors().items():
            linear = submodule(model, path)
            assert isinstance(linear, nn.Linear)  # as checked for this model's own
            linear.weight += (up.double() @ down.double()).to(linear.weight)
