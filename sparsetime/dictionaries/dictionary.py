"""Dictionary: encoder, sparsifier, atoms and objective, and nothing else."""

from __future__ import annotations

import os
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.codes import SparseCode
from sparsetime.dictionaries.atoms import UnitNormAtoms
from sparsetime.dictionaries.encoders import Encoder
from sparsetime.dictionaries.normalisation import Normalisation, geometric_median
from sparsetime.dictionaries.objectives import Objective
from sparsetime.dictionaries.sparsifiers import Sparsifier
from sparsetime.dictionaries.step import Step
from sparsetime.dictionaries.stream import Stream
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.kernels import Support


class Dictionary(nn.Module):
    """A sparse dictionary of activations.

    `encode` takes raw activations of any leading shape and gives a SparseCode; `decode` takes it
    back. Strengths in codes are in units of the normalised activation (`normalisation.scale`).

    name: the recipe's name, or the user's own.
    record: where the activations came from: model_name, model_hash, site.
    """

    def __init__(
        self,
        encoder: Encoder,
        sparsifier: Sparsifier,
        decoder: UnitNormAtoms,
        objective: Objective,
        name: str = "composed",
    ) -> None:
        super().__init__()
        _check_fit(encoder, sparsifier, decoder)
        self.encoder = encoder
        self.sparsifier = sparsifier
        self.decoder = decoder
        self.objective = objective
        self.normalisation = Normalisation()
        self.name = name
        self.record: dict[str, Any] = {}

    @property
    def d_in(self) -> int:
        """Dimension of the activations."""
        return self.encoder.d_in

    @property
    def width(self) -> int:
        """Number of latents."""
        return self.encoder.width

    @property
    def groups(self) -> tuple[int, ...]:
        """Ends of the nested prefixes of latents; `(width,)` where there is no nesting."""
        return self.decoder.groups

    @property
    def needs(self) -> str:
        """What a training batch consists of: "rows" or "pairs"."""
        return self.objective.needs

    @property
    def atoms(self) -> Float[Tensor, "width d"]:
        """The unit directions that codes sum."""
        return self.decoder.weight

    def start(self, seed: int = 0) -> None:
        """Random atoms, and the encoder as their transpose."""
        if self.atoms.is_meta:
            return
        self.decoder.start(torch.Generator().manual_seed(seed))
        self.encoder.start_from(self.atoms)

    def fit_start(self, x: Float[Tensor, "rows d"]) -> None:
        """Before training: the scale, and the offset at the geometric median of a sample."""
        self.normalisation.fit(x)
        with torch.no_grad():
            self.decoder.bias.copy_(geometric_median(self.normalisation.normalise(x)))

    def centred(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows d"]:
        """What the encoder sees of normalised activations.

        The offset counts as a constant here: its gradient through the encoder would only repeat
        that of the encoder's own bias.
        """
        return x - self.decoder.bias.detach()

    def step(
        self,
        batch: Float[Tensor, "rows d"] | Float[Tensor, "rows 2 d"],
        dead: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Step:
        """One batch on its way through, for the objective: raw rows, or pairs (earlier, later).

        `dtype`: what the selection product is multiplied in. Of pairs, the later rows are
        reconstructed and the earlier ones only encoded.
        """
        paired = batch.dim() == 3
        rows = batch.shape[0]
        flat = torch.cat([batch[:, 1], batch[:, 0]]) if paired else batch
        x = self.normalisation.normalise(flat)
        centred = self.centred(x)
        support = self.encoder.select(centred, self.sparsifier.training_rule(), dtype)
        pre = self.encoder.at(centred, support)
        values = self.sparsifier.gate(pre, support.indices)
        self.sparsifier.observe(values.detach())
        if not paired:
            return Step(self, x, support, pre, values, dead=dead)
        code = SparseCode(support.offsets, support.indices, values, self.width, (2 * rows,))
        now = code.row_slice(0, rows)
        return Step(
            self,
            x[:rows],
            Support(now.offsets, now.indices, self.width),
            pre[: now.indices.shape[0]],
            now.values,
            earlier=code.row_slice(rows, 2 * rows),
            dead=dead,
        )

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "*shape d"]) -> SparseCode:
        """The code of raw activations; a row's code depends on that row alone.

        Errors: MismatchError for another last dimension than `d_in`, DataError for NaN or inf.
        """
        flat = self._checked(x)
        centred = self.centred(self.normalisation.normalise(flat))
        support = self.encoder.candidates(centred, self.sparsifier.inference_rule())
        pre = self.encoder.at(centred, support)
        values = self.sparsifier.inference_gate(pre, support.indices)
        code = SparseCode(support.offsets, support.indices, values, self.width, tuple(x.shape[:-1]))
        return code.keep(values != 0)

    def decode(self, code: SparseCode) -> Float[Tensor, "*shape d"]:
        """The raw activations that a code stands for. Keeps gradients to the code's values.

        Errors: MismatchError for a code of another width.
        """
        if code.width != self.width:
            raise MismatchError(
                f"the code has width {code.width}, the dictionary {self.width}: "
                "decode it with the dictionary that made it"
            )
        support = Support(code.offsets, code.indices, code.width)
        flat = self.normalisation.restore(self.decoder.decode(code.values, support))
        return flat.reshape(*code.shape, flat.shape[1])

    def forward(self, x: Float[Tensor, "*shape d"]) -> Float[Tensor, "*shape d"]:
        """`decode(encode(x))`: the reconstruction of raw activations."""
        return self.decode(self.encode(x))

    def stream(self) -> Stream:
        """A state that encodes one time step after another, as whole sequences are encoded."""
        return Stream(self)

    def written(self) -> dict[str, Any]:
        """The dictionary as JSON, without its weights."""
        return {
            "name": self.name,
            "encoder": self.encoder.written(),
            "sparsifier": self.sparsifier.written(),
            "atoms": self.decoder.written(),
            "objective": self.objective.written(),
            "record": self.record,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a folder or URL: dictionary.json and dictionary.safetensors."""
        from sparsetime.dictionaries.saved import save

        save(self, path)

    def _checked(self, x: Tensor) -> Float[Tensor, "rows d"]:
        if x.shape[-1] != self.d_in:
            raise MismatchError(
                f"activations of shape {tuple(x.shape)} were given to a dictionary of "
                f"{self.d_in} dimensions: the last axis must be {self.d_in}. Was it trained on "
                f"another site? It records {self.record.get('site', 'no site')!r}."
            )
        flat = x.reshape(-1, self.d_in).float()
        if not torch.isfinite(flat.sum()):
            bad = (~torch.isfinite(flat)).any(1).nonzero()
            if bad.numel():
                raise DataError(
                    f"activations hold NaN or inf, first in row {int(bad[0])} of "
                    f"{flat.shape[0]}; find out where the model makes them before encoding"
                )
        return flat


def _check_fit(encoder: Encoder, sparsifier: Sparsifier, decoder: UnitNormAtoms) -> None:
    if encoder.width != decoder.width:
        raise ConfigError(
            f"the encoder has width {encoder.width} and the atoms {decoder.width}: "
            "they must be the same"
        )
    k = getattr(sparsifier, "k", None)
    if k is not None and k > encoder.width:
        raise ConfigError(f"k is {k} and larger than the width, {encoder.width}")
    own_width = getattr(sparsifier, "width", encoder.width)
    if own_width != encoder.width:
        raise ConfigError(
            f"the sparsifier has width {own_width} and the encoder {encoder.width}: "
            "they must be the same"
        )
