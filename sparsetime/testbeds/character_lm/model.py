"""A causal transformer of characters whose MLPs have a chosen activation function."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from sparsetime import seeds
from sparsetime.errors import unknown_name

#: Activation functions: the nonlinearity, and whether a second map up is multiplied with it.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "relu": (functional.relu, False),
    "relu2": (lambda x: functional.relu(x).square(), False),
    "reglu": (functional.relu, True),
    "swiglu": (functional.silu, True),
}
CHARACTERS = 128  # ASCII


@final
class CharacterMLP(nn.Module):
    """y = D h,  h = f(U x), or f(G x) * (U x) with 2/3 of the neurons where it is gated."""

    def __init__(self, d: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.nonlinearity, gated = ACTIVATIONS[activation]
        width = 2 * hidden // 3 if gated else hidden
        self.gate = nn.Linear(d, width, bias=False) if gated else None
        self.up = nn.Linear(d, width, bias=False)
        self.down = nn.Linear(width, d, bias=False)

    def forward(self, x: Float[Tensor, "*steps d"]) -> Float[Tensor, "*steps d"]:
        if self.gate is None:
            hidden = self.nonlinearity(self.up(x))
        else:
            hidden = self.nonlinearity(self.gate(x)) * self.up(x)
        result: Tensor = self.down(hidden)
        return result


@final
class CharacterBlock(nn.Module):
    """Causal attention and an MLP, each behind a normalisation, added to the stream."""

    def __init__(self, d: int, hidden: int, heads: int, activation: str) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.mlp = CharacterMLP(d, hidden, activation)

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        parts = self.qkv(self.attention_norm(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        result: Tensor = x + self.mlp(self.mlp_norm(x))
        return result


@final
class CharacterLM(nn.Module):
    """Logits of the next character at each position; the head shares the table of characters."""

    def __init__(
        self, d: int, hidden: int, layers: int, heads: int, context: int, activation: str
    ) -> None:
        super().__init__()
        self.characters = nn.Embedding(CHARACTERS, d)
        self.positions = nn.Embedding(context, d)
        self.blocks = nn.ModuleList(
            CharacterBlock(d, hidden, heads, activation) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d)
        for table in (self.characters, self.positions):
            table.weight.data *= 0.05  # so that first logits are small

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time logits"]:
        x = self.characters(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.norm(x) @ self.characters.weight.T
        return logits


def character_lm(
    activation: str,
    *,
    seed: int,
    d: int = 64,
    hidden: int = 256,
    layers: int = 2,
    heads: int = 4,
    context: int = 64,
) -> CharacterLM:
    """An untrained model; the same one for the same seed.

    Errors: UnknownNameError for an activation that `ACTIVATIONS` lacks.
    """
    if activation not in ACTIVATIONS:
        raise unknown_name("activation function", activation, ACTIVATIONS)
    with seeds.torch_globals(seed, "initial weights of a character model"):
        return CharacterLM(d, hidden, layers, heads, context, activation)


def character_windows(
    count: int, *, seed: int, held_out: bool, length: int = 64
) -> Int[Tensor, "windows length"]:
    """Windows of the standard library's source as ASCII, at random places.

    held_out: of modules that are kept from training. Other characters than ASCII are left out.
    """
    from sparsetime.testbeds.python_code.stdlib_source import modules

    texts = (module.text for module in modules() if module.held_out == held_out)
    data = "".join(texts).encode("ascii", errors="ignore")
    part = "held out" if held_out else "training"
    rng = seeds.numpy_generator(seed, "windows of characters", part)
    begins = torch.from_numpy(rng.integers(0, len(data) - length, size=count))
    stream = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return stream[begins[:, None] + torch.arange(length)].long()
