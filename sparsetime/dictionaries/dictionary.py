"""Dictionary: encoder, sparsifier, atoms and objective, and nothing else."""

from __future__ import annotations

import os
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.activations.sampling.batch import Batch, check_needs
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.check_input import checked_activations
from sparsetime.dictionaries.compatibility import check_sense
from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.decoders import Decoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders import Encoder
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.dictionaries.objectives import Objective
from sparsetime.dictionaries.skip_connections import SkipConnection
from sparsetime.dictionaries.sparsifiers import Sparsifier
from sparsetime.dictionaries.state.stream import Stream
from sparsetime.errors import MismatchError
from sparsetime.kernels import Support
from sparsetime.segments import Segments
from sparsetime.state import RecurrentState

#: What groups are called that no part tells apart.
NESTED = ("first", "rest")


class Dictionary(nn.Module):
    """A sparse dictionary of activations.

    `encode` takes raw activations of any leading shape and gives a SparseCode; `decode` takes it
    back. Strengths in codes are in units of the normalised activation (`normalisation.scale`).

    name: the recipe's name, or the user's own.
    reads: the dimensions of the sites that the activations join; `(d_in,)` where there is one.
    writes: None where the activations themselves are reconstructed; else the dimensions of the
    sites that are reconstructed in their place, as by a transcoder.
    base: what is guessed without the code; the code then explains what it leaves over.
    record: where the activations came from: model_name, model_hash, site.
    """

    offset: Tensor

    def __init__(
        self,
        encoder: Encoder,
        sparsifier: Sparsifier,
        decoder: Decoder,
        objective: Objective,
        name: str = "composed",
        *,
        in_dims: tuple[int, ...] | None = None,
        out_dims: tuple[int, ...] | None = None,
        skip: SkipConnection | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.sparsifier = sparsifier
        self.decoder = decoder
        self.objective = objective
        self.skip = skip
        self.in_dims = in_dims or (encoder.d_in,)
        self.out_dims = out_dims
        check_sense(self)
        encoder.bind(decoder)
        sparsifier.bind(decoder)
        self.normalisation = Normalisation(self.in_dims)
        if out_dims is not None:
            self.target_normalisation = Normalisation(out_dims)
            self.register_buffer("offset", torch.zeros(encoder.d_in))
        if skip is not None:
            skip.bind(self)
        self.name = name
        self.provenance: dict[str, Any] = {}

    @property
    def d_in(self) -> int:
        """Dimension of the activations that are read."""
        return self.encoder.d_in

    @property
    def d_out(self) -> int:
        """Dimension of the activations that are reconstructed."""
        return self.decoder.d_out

    @property
    def width(self) -> int:
        """Number of latents."""
        return self.encoder.width

    @property
    def groups(self) -> tuple[int, ...]:
        """Ends of the nested prefixes of latents; `(width,)` where there is no nesting."""
        return self.decoder.groups

    @property
    def group_names(self) -> tuple[str, str] | None:
        """What the first group of latents and the rest are called; None where there is one group.

        The part that tells them apart names them. Where none does, and groups are only nested, they
        are "first" and "rest".
        """
        if len(self.groups) < 2:
            return None
        return next((part.group_names for part in self.components if part.group_names), NESTED)

    @property
    def components(self) -> list[Component]:
        """All parts: encoder, sparsifier, atoms, terms, and the base where there is one."""
        parts: list[Component] = [
            self.encoder,
            self.sparsifier,
            self.decoder,
            *self.objective.members,
        ]
        return parts if self.skip is None else [*parts, self.skip]

    @property
    def needs(self) -> frozenset[str]:
        """What a training batch must hold beside x: names of `Batch`'s fields."""
        across = frozenset() if self.out_dims is None else frozenset({"target"})
        return across.union(*(part.needs for part in self.components))

    @property
    def is_stateful(self) -> bool:
        """Whether a step's code depends on the steps before it, so that sequences go in whole."""
        return any(part.is_stateful for part in self.components)

    @property
    def atoms(self) -> Float[Tensor, "width d"]:
        """The directions that codes sum."""
        return self.decoder.vectors()

    @property
    def output_normalisation(self) -> Normalisation:
        """The scale of what is reconstructed."""
        return self.normalisation if self.out_dims is None else self.target_normalisation

    def centred(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows d"]:
        """What the encoder sees of normalised activations.

        The offset counts as a constant here: its gradient through the encoder would only repeat
        that of the encoder's own bias.
        """
        return x - (self.decoder.bias.detach() if self.out_dims is None else self.offset)

    def forward_train(
        self,
        batch: Batch | Float[Tensor, "rows d"] | Float[Tensor, "rows 2 d"],
        dead: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        progress: float = 0.0,
    ) -> ForwardPass:
        """One batch on its way through, for the objective: a Batch, raw rows, or pairs.

        `dtype`: what the selection product is multiplied in. Where earlier rows are needed, they
        are encoded and not reconstructed. `progress`: how much of the training is over.

        Errors: DataError where the batch lacks what the parts need.
        """
        batch = Batch.of(batch)
        check_needs(self.needs, batch.fields, self.name, "the batch")
        rows = batch.rows
        earlier = batch.earlier if "earlier" in self.needs else None
        raw = batch.x if earlier is None else torch.cat([batch.x, earlier])
        x = self.normalisation.normalise(raw)
        segments = batch.segments
        if segments is not None and earlier is not None:
            segments = segments.twice()
        inputs = EncoderInput(self.centred(x), batch, progress, segments)
        rule = self.sparsifier.training_rule(inputs)
        support, pre = self.encoder.encode_train(inputs, rule, dtype)
        values = self.sparsifier.gate(pre, support, inputs)
        if earlier is None:
            return ForwardPass(self, x, support, pre, values, None, dead, batch, progress)
        code = SparseCode(support.offsets, support.indices, values, self.width, (2 * rows,))
        now = code.row_slice(0, rows)
        return ForwardPass(
            self,
            x[:rows],
            Support(now.offsets, now.indices, self.width),
            pre[: now.indices.shape[0]],
            now.values,
            earlier=code.row_slice(rows, 2 * rows),
            dead=dead,
            batch=batch,
            progress=progress,
        )

    def observe(self, step: ForwardPass) -> None:
        """Let every part learn from a training step that is over."""
        with torch.no_grad():
            for part in self.components:
                part.observe(step)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "*shape d"]) -> SparseCode:
        """The code of raw activations; a row's code depends on that row alone.

        Where the dictionary remembers, x is whole sequences [*sequences, time, d], and a row's code
        depends on the rows before it in its sequence too.

        Errors: MismatchError for another last dimension than `d_in`, DataError for NaN or inf.
        """
        rows = checked_activations(self, x)
        time = x.shape[-2] if self.is_stateful and x.dim() > 1 else 1
        count = rows.shape[0] // max(time, 1)
        code = self.encode_with_state(rows, Segments.even(count, time, x.device), RecurrentState())
        return code.reshape(*x.shape[:-1])

    @torch.no_grad()
    def encode_with_state(
        self, rows: Float[Tensor, "rows d"], segments: Segments, state: RecurrentState
    ) -> SparseCode:
        """The code of raw rows that go on from the past that `state` holds, and enter it."""
        seen = self.centred(self.normalisation.normalise(rows))
        inputs = EncoderInput(seen, segments=segments, state=state)
        rule = self.sparsifier.inference_rule(inputs)
        support, pre = self.encoder.encode_eval(inputs, rule)
        return self.sparsifier.code(pre, support, inputs)

    def decode(self, code: SparseCode) -> Float[Tensor, "*shape d"]:
        """The raw activations that a code stands for. Keeps gradients to the code's values.

        Where there is a base, this is the code's share alone; `reconstruct` adds the base's guess.

        Errors: MismatchError for a code of another width.
        """
        if code.width != self.width:
            raise MismatchError(
                f"the code has width {code.width}, the dictionary {self.width}: "
                "decode it with the dictionary that made it"
            )
        support = Support(code.offsets, code.indices, code.width)
        flat = self.output_normalisation.restore(self.decoder.decode(code.values, support))
        return flat.reshape(*code.shape, flat.shape[1])

    def reconstruct(
        self, code: SparseCode, x: Float[Tensor, "*shape d"]
    ) -> Float[Tensor, "*shape d_out"]:
        """What a code of raw activations x stands for, and what the base guesses of them."""
        decoded = self.decode(code)
        if self.skip is None:
            return decoded
        seen = self.centred(self.normalisation.normalise(checked_activations(self, x)))
        guess = self.skip.predict(seen) * self.output_normalisation.scale
        return decoded + guess.reshape(decoded.shape)

    def forward(self, x: Float[Tensor, "*shape d"]) -> Float[Tensor, "*shape d_out"]:
        """`reconstruct(encode(x), x)`: the reconstruction from raw activations."""
        return self.reconstruct(self.encode(x), x)

    def stream(self) -> Stream:
        """A state that encodes one time step after another, as whole sequences are encoded."""
        return Stream(self)

    def to_config(self) -> dict[str, Any]:
        """The dictionary as JSON, without its weights."""
        config: dict[str, Any] = {
            "name": self.name,
            "encoder": self.encoder.to_config(),
            "sparsifier": self.sparsifier.to_config(),
            "decoder": self.decoder.to_config(),
            "objective": self.objective.to_config(),
            "provenance": self.provenance,
        }
        if len(self.in_dims) > 1:
            config["in_dims"] = list(self.in_dims)
        if self.out_dims is not None:
            config["out_dims"] = list(self.out_dims)
        if self.skip is not None:
            config["skip"] = self.skip.to_config()
        return config

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a folder or URL: dictionary.json and dictionary.safetensors."""
        from sparsetime.dictionaries.serialise import save

        save(self, path)
