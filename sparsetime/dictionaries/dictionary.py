"""Dictionary: encoder, sparsifier, decoder, objective and an optional skip connection."""

from __future__ import annotations

import os
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.activations.sampling.batch import Batch, check_needs
from sparsetime.codes import SparseCode, concatenate
from sparsetime.dictionaries.check_input import as_activations, check_float32, checked_activations
from sparsetime.dictionaries.compatibility import check_compatibility
from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.normalisation import Normalisation
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.partition import WHOLE, Partition
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.dictionaries.state.stream import Stream
from sparsetime.errors import MismatchError
from sparsetime.kernels import Support
from sparsetime.segments import Segments
from sparsetime.state import RecurrentState
from sparsetime.tensors import ArrayLike
from sparsetime.torch_settings import float32_by_default

NESTED = ("first", "rest")  # names of nested groups that no component names
_ROWS_AT_ONCE = 1 << 14  # rows of a stateless dictionary that are encoded at once


class Dictionary(nn.Module):
    """A sparse dictionary of activations.

    `encode` maps raw activations of any leading shape to a SparseCode, `decode` maps it back. Codes
    are in units of the normalised activations. name: of the recipe, or the user's own. in_dims: of
    the sites whose activations are joined, `(d_in,)` for one. out_dims: of the sites that are
    reconstructed instead, as by a transcoder; None for the activations themselves. skip: predicts
    without the code, which explains the rest. provenance: model_name, model_hash and site.
    is_fitted: whether scale, offsets and the like fit data already, so that training keeps them.
    """

    offset: Tensor
    normalisation: Normalisation
    target_normalisation: Normalisation

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
        check_compatibility(self, self.components)
        encoder.bind(decoder)
        sparsifier.bind(decoder, encoder)
        self.normalisation = Normalisation(self.in_dims)
        if out_dims is not None:
            self.target_normalisation = Normalisation(out_dims)
            self.register_buffer("offset", torch.zeros(encoder.d_in))
        if skip is not None:
            skip.bind(self)
        self.name = name
        self.provenance: dict[str, Any] = {}
        self.is_fitted = False

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
        """Names of the first group of latents and of the rest; None where there is one group."""
        if len(self.groups) < 2:
            return None
        names = (component.group_names for component in self.components)
        return next(filter(None, names), NESTED)

    @property
    def components(self) -> list[Component]:
        """Encoder, sparsifier, decoder, objective terms, and any skip connection."""
        skips = [] if self.skip is None else [self.skip]
        return [self.encoder, self.sparsifier, self.decoder, *self.objective.members, *skips]

    @property
    def needs(self) -> frozenset[str]:
        """Fields of `Batch` that training needs besides x."""
        target = frozenset() if self.out_dims is None else frozenset({"target"})
        return target.union(*(component.needs for component in self.components))

    @property
    def is_stateful(self) -> bool:
        """Whether a row's code depends on earlier rows, so that `encode` takes whole sequences."""
        return any(component.is_stateful for component in self.components)

    @property
    def atoms(self) -> Float[Tensor, "width d"]:
        """The decoder's rows: the directions that a code sums."""
        return self.decoder.vectors()

    @property
    def output_normalisation(self) -> Normalisation:
        """The normalisation of the activations that are reconstructed."""
        return self.normalisation if self.out_dims is None else self.target_normalisation

    @property
    def input_offset(self) -> Float[Tensor, " d_in"]:
        """The offset that the encoder's input lacks, in normalised units.

        It is a constant to the encoder: its gradient would only repeat that of the encoder's bias.
        """
        if self.out_dims is not None:
            return self.offset
        bias = self.decoder.bias.detach()
        return bias if self.encoder.subtracts_offset else torch.zeros_like(bias)

    def centred(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows d"]:
        """The encoder's input: normalised activations less the offset."""
        return x - self.input_offset

    def forward_train(
        self,
        batch: Batch | Float[Tensor, "rows d"] | Float[Tensor, "rows 2 d"],
        dead: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        progress: float = 0.0,
        partition: Partition = WHOLE,
    ) -> ForwardPass:
        """The forward pass of a batch for the objective: a Batch, raw rows, or pairs.

        `dtype`: of the selection product. Earlier rows, where needed, are encoded and not
        reconstructed. `progress`: share of training done. `partition`: latents and rows held here.

        Errors: DataError where the batch lacks what the parts need.
        """
        batch = Batch.of(batch)
        check_needs(needs := self.needs, batch.fields, self.name, "the batch")
        rows = batch.rows
        earlier = batch.earlier if "earlier" in needs else None
        raw = batch.x if earlier is None else torch.cat([batch.x, earlier])
        x = self.normalisation.normalise(raw)
        segments = batch.segments
        if segments is not None and earlier is not None:
            segments = segments.twice()
        inputs = EncoderInput(self.centred(x), batch, progress, segments, dtype=dtype)
        encoder = partition.encoder(self.encoder)
        support, pre = encoder.encode_train(inputs, self.sparsifier.training_rule(inputs), dtype)
        values = self.sparsifier.gate(pre, support, inputs)
        earlier_code = None
        if earlier is not None:
            code = SparseCode(support.offsets, support.indices, values, self.width, (2 * rows,))
            now, earlier_code = code.row_slice(0, rows), code.row_slice(rows, 2 * rows)
            support = Support(now.offsets, now.indices, self.width)
            x, pre, values = x[:rows], pre[: len(now.indices)], now.values
            inputs = EncoderInput(inputs.x[:rows], batch, progress, batch.segments, dtype=dtype)
        return ForwardPass(
            encoder=encoder,
            sparsifier=self.sparsifier,
            decoder=partition.decoder(self.decoder),
            skip=self.skip,
            normalisation=self.normalisation,
            output_normalisation=self.output_normalisation,
            x=x,
            inputs=inputs,
            offset=self.input_offset,
            target=x
            if self.out_dims is None
            else self.output_normalisation.normalise(required(batch.target, "target")),
            support=support,
            pre=pre,
            values=values,
            batch=batch,
            earlier=earlier_code,
            dead=dead,
            progress=progress,
            partition=partition,
        )

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        """Update the running statistics of every component after a training step."""
        for component in self.components:
            component.observe(step)

    @torch.no_grad()
    def encode(self, x: ArrayLike) -> SparseCode:
        """The code of raw activations [*shape, d], some rows at a time, each from that row alone.

        For a stateful dictionary x is whole sequences [*sequences, time, d], and a row's code
        depends on the earlier rows of its sequence too.

        Errors: MismatchError for another last dimension than `d_in`, DataError for NaN or inf.
        """
        x = as_activations(x)
        rows = checked_activations(x, self.d_in, self.provenance.get("site"))
        time = x.shape[-2] if self.is_stateful and x.dim() > 1 else 1
        chunks = [rows] if self.is_stateful else rows.split(_ROWS_AT_ONCE)
        segments = [Segments.even(len(chunk) // max(time, 1), time, x.device) for chunk in chunks]
        codes = map(self.encode_with_state, chunks, segments, (RecurrentState() for _ in chunks))
        return concatenate(list(codes)).reshape(*x.shape[:-1])

    @torch.no_grad()
    @float32_by_default()
    def encode_with_state(
        self, rows: Float[Tensor, "rows d"], segments: Segments, state: RecurrentState
    ) -> SparseCode:
        """The code of raw rows that follow the rows in `state`, which is updated."""
        check_float32(self.normalisation.scale)
        seen = self.centred(self.normalisation.normalise(rows))
        inputs = EncoderInput(seen, segments=segments, state=state)
        support, pre = self.encoder.encode_eval(inputs, self.sparsifier.inference_rule(inputs))
        return self.sparsifier.code(pre, support, inputs)

    @float32_by_default()
    def decode(self, code: SparseCode) -> Float[Tensor, "*shape d"]:
        """The raw activations that a code represents, without the skip connection's prediction.

        Gradients to the code's values are kept. Errors: MismatchError for a code of another width.
        """
        if code.width != self.width:
            raise MismatchError(
                f"the code has width {code.width}, the dictionary {self.width}: "
                "decode it with the dictionary that made it"
            )
        check_float32(self.normalisation.scale)
        support = Support(code.offsets, code.indices, code.width)
        flat = self.output_normalisation.restore(self.decoder.decode(code.values, support))
        return flat.reshape(*code.shape, flat.shape[1])

    @float32_by_default()
    def reconstruct(self, code: SparseCode, x: ArrayLike) -> Float[Tensor, "*shape d_out"]:
        """The decoded code of raw activations x, plus the skip connection's prediction from x."""
        decoded = self.decode(code)
        if self.skip is None:
            return decoded
        rows = self.normalisation.normalise(checked_activations(as_activations(x), self.d_in))
        predicted = self.skip.predict(self.centred(rows)) * self.output_normalisation.scale
        return decoded + predicted.reshape(decoded.shape)

    def forward(self, x: ArrayLike) -> Float[Tensor, "*shape d_out"]:
        """`reconstruct(encode(x), x)`: the reconstruction from raw activations [*shape, d]."""
        return self.reconstruct(self.encode(x), x)

    def at(self, k: float, data: ArrayLike) -> Dictionary:
        """A copy that is read with a mean L0 of k on `data`: see `at_mean_l0`."""
        from sparsetime.dictionaries.mean_l0 import at_mean_l0

        return at_mean_l0(self, k, data)

    def stream(self) -> Stream:
        """Encoding of one time step after another, with the codes of whole sequences."""
        return Stream(self)

    def to_config(self) -> dict[str, Any]:
        """The dictionary as JSON, without its weights."""
        from sparsetime.dictionaries.serialise import to_config

        return to_config(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a folder or URL: dictionary.json and dictionary.safetensors."""
        from sparsetime.dictionaries.serialise import save

        save(self, path)
