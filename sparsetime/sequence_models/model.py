"""SequenceModel: a view, blocks of mixers, and heads, over whole sequences and streams."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.sequence_models.block import SequenceBlock
from sparsetime.sequence_models.heads.head import Head
from sparsetime.sequence_models.stream import SequenceStream
from sparsetime.sequence_models.views.view import ViewComponent
from sparsetime.state import RecurrentState


@final
class SequenceModel(nn.Module):
    """A model over time, every place of which is a site of `st.capture`.

        h = norm(block_n(... block_1(view(x))))
        y = head(h)

    Blocks are at `blocks.0`, `blocks.1`, … One call on a whole sequence, calls on pieces with a
    state, and a stream give the same outputs.

    name: of the recipe, recorded in files. provenance: how the weights were made, as JSON.

    Errors: ConfigError for two heads of one kind.
    """

    def __init__(
        self,
        view: ViewComponent,
        blocks: Sequence[SequenceBlock],
        heads: Sequence[Head],
        d: int,
        name: str,
    ) -> None:
        super().__init__()
        self.name, self.d = name, d
        self.view = view
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(d)
        kinds = [head.kind for head in heads]
        if len(set(kinds)) < len(kinds):
            raise ConfigError(
                f"got the heads {', '.join(kinds)}, expected one of each kind, since outputs are "
                "named by it"
            )
        self.heads = nn.ModuleDict(dict(zip(kinds, heads, strict=True)))
        self.provenance: dict[str, Any] = {}

    @property
    def layers(self) -> list[SequenceBlock]:
        """The blocks, in order."""
        return [cast(SequenceBlock, block) for block in self.blocks]

    def forward(
        self, x: Shaped[Tensor, "batch steps ..."], state: RecurrentState | None = None
    ) -> Tensor | dict[str, Tensor]:
        """What the head returns for every step; a mapping by kind where there are several heads.

        x: symbols [batch, steps] or values [batch, steps, d_in], as the view takes them. state:
        holds the past of the sequences, and theirs with these steps afterwards.
        """
        vectors = self.vectors(x, state)
        outputs: dict[str, Tensor] = {kind: head(vectors) for kind, head in self.heads.items()}
        if not outputs:
            return vectors
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    @torch.no_grad()
    def encode(self, x: Shaped[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vector of every step, which the heads read; without gradient."""
        return self.vectors(x, None)

    def stream(self, streams: int = 1) -> SequenceStream:
        """A stream that is encoded step by step; `streams` of them side by side.

        Errors: ConfigError where a mixer reads later steps, or the view joins several steps.
        """
        for number, block in enumerate(self.layers):
            mixer = block.mixer
            if not mixer.is_causal:
                raise ConfigError(
                    f"got a stream of {self.name!r}, whose block {number} has the mixer "
                    f"{mixer.kind!r} that reads later steps, expected causal mixers; encode whole "
                    "sequences"
                )
        joined = max(self.view.stride, self.view.size)
        if joined != 1:
            raise ConfigError(
                f"got a stream of {self.name!r}, whose view joins {joined} steps, "
                "expected one vector a step; encode pieces of whole patches with a state"
            )
        return SequenceStream(self.vectors, streams)

    def state_size(self, time: int = 1) -> int:
        """How many numbers a stream carries after `time` steps."""
        return sum(block.mixer.state_size(time) for block in self.layers)

    def to_config(self) -> dict[str, Any]:
        """The model as JSON, without its weights."""
        return {
            "name": self.name,
            "d": self.d,
            "view": self.view.to_config(),
            "blocks": [
                {
                    "mixer": block.mixer.to_config(),
                    "channel": None if block.channel is None else block.channel.to_config(),
                    "lags": block.mixer.lags,
                }
                for block in self.layers
            ],
            "heads": [cast(Head, head).to_config() for head in self.heads.values()],
            "provenance": self.provenance,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model into a folder: JSON for what it is, safetensors for its weights."""
        from sparsetime.sequence_models.serialise import save

        save(self, path)

    def vectors(
        self, x: Shaped[Tensor, "batch steps ..."], state: RecurrentState | None
    ) -> Float[Tensor, "batch time d"]:
        """The vector of every step, which the heads read; the arguments are those of a call.

        Errors: DataError for sequences without steps; those of the view, with a state also those of
        its `check_piece`.
        """
        if not x.shape[1]:
            raise DataError("got sequences without steps, expected at least one step")
        if state is not None:
            self.view.check_piece(x.shape[1])
        return self.contextualise(self.view(x), state)

    def contextualise(
        self, vectors: Float[Tensor, "batch time d"], state: RecurrentState | None = None
    ) -> Float[Tensor, "batch time d"]:
        """What the blocks make of vectors of the view, or of some of them."""
        for block in self.blocks:
            vectors = block(vectors, state)
        normed: Tensor = self.norm(vectors)
        return normed


def components_of_model(model: SequenceModel) -> Mapping[str, str]:
    """The kind of every component by role; blocks are joined by plus signs, in order."""
    kinds = {
        "view": model.view.kind,
        "mixer": " + ".join(block.mixer.kind for block in model.layers),
        "head": " + ".join(model.heads),
    }
    channels = dict.fromkeys(b.channel.kind for b in model.layers if b.channel is not None)
    return kinds | ({"channel": " + ".join(channels)} if channels else {})
