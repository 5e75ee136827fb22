"""Replacement: a dictionary in the place of a module, as vectors that are read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.skip_connections.linear import LinearSkip
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.kernels import Support
from sparsetime.models.site_patterns import matching_sites

_AFFINE = 1e-4  # of the largest pre-activation: how far an encoder may be from affine
_DECODED = 1e-4  # of the largest activation: how far atoms may be from the decoder's output


@final
@dataclass(frozen=True, eq=False)
class ActiveFeatures:
    """The active features of one replacement on a sequence, as vectors.

    steps, latents, values: of each feature, [n]. site: number of the site that it reads, [n].
    read: its direction there, d pre-activation / d activation, [n, d_read]; offset: what the
    pre-activation has besides, [n]. written: by site what it writes there, value · scale · atom,
    [n, d_write]. bias, error: by site what the decoder adds to every step [d_write], and what the
    dictionary leaves out [time, d_write].
    """

    steps: Int[Tensor, " n"]
    latents: Int[Tensor, " n"]
    values: Float[Tensor, " n"]
    site: Int[Tensor, " n"]
    read: Float[Tensor, "n d_read"]
    offset: Float[Tensor, " n"]
    written: Mapping[str, Float[Tensor, "n d_write"]]
    bias: Mapping[str, Float[Tensor, " d_write"]]
    error: Mapping[str, Float[Tensor, "time d_write"]]


@final
@dataclass(frozen=True, eq=False)
class Replacement:
    """A dictionary with the sites that it reads and those whose activations it reconstructs."""

    dictionary: Dictionary
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def carried(self) -> dict[str, Callable[[Mapping[str, Tensor]], Tensor]]:
        """By site: what the skip connection writes, as a function of what is read."""
        skip = self.dictionary.skip
        if skip is None:
            return {}
        sizes = list(self.dictionary.out_dims or (self.dictionary.d_out,))

        def predicted(number: int) -> Callable[[Mapping[str, Tensor]], Tensor]:
            return lambda reads: self._skip(reads).split(sizes, dim=-1)[number]

        return {name: predicted(number) for number, name in enumerate(self.writes)}

    def _skip(self, reads: Mapping[str, Tensor]) -> Tensor:
        sae = self.dictionary
        assert sae.skip is not None
        x = torch.cat([reads[name] for name in self.reads], dim=-1)
        rows = sae.centred(sae.normalisation.normalise(x.reshape(-1, sae.d_in)))
        predicted = sae.skip.predict(rows) * sae.output_normalisation.scale
        return predicted.reshape(*x.shape[:-1], sae.d_out)

    def active_features(
        self,
        reads: Mapping[str, Tensor],
        writes: Mapping[str, Tensor],
        tokens: Int[Tensor, " time"] | None = None,
    ) -> ActiveFeatures:
        """Encode what a pass read, and divide what it wrote.

        reads, writes: by site [time, d]; writes without what the skip connection carries. tokens:
        that were read. A step that the dictionary's training left out has no feature: all but the
        decoder's bias is error there.

        Errors: ConfigError for a dictionary that is not a sum of atoms of affine pre-activations.
        """
        sae = self.dictionary
        x = torch.cat([reads[name] for name in self.reads], dim=-1).detach().float()
        code = sae.encode(x)
        exclusion = StepExclusion.of_provenance(sae.provenance)
        if exclusion:
            code = code.keep(exclusion.kept(x, tokens)[code.row_of_entry])
        read, offset, site = self._directions(x, code)
        scale = sae.output_normalisation.scale
        atoms = sae.atoms.detach()[code.indices] * scale * code.values[:, None]
        bias = (sae.decoder.bias * scale).detach().expand(sae.d_out)
        decoded = torch.zeros(len(x), sae.d_out).index_add(0, code.row_of_entry, atoms) + bias
        _check_decoder(sae, decoded, sae.decode(code).detach())
        sizes = list(sae.out_dims or (sae.d_out,))
        by_site = zip(
            self.writes, atoms.split(sizes, 1), bias.split(sizes), decoded.split(sizes, 1),
            strict=True,
        )  # fmt: skip
        written, biases, errors = {}, {}, {}
        for name, one, constant, sums in by_site:
            written[name], biases[name] = one, constant
            errors[name] = writes[name].detach() - sums
        return ActiveFeatures(
            code.row_of_entry, code.indices, code.values, site, read, offset, written, biases,
            errors,
        )  # fmt: skip

    def direction(self, latent: int) -> tuple[str, Float[Tensor, " d_read"], float]:
        """The site that a latent reads, its direction there, and the offset of its pre-activation.

        Errors: ConfigError for a latent beyond the width.
        """
        width = self.dictionary.width
        if not 0 <= latent < width:
            raise ConfigError(
                f"got latent {latent} of the dictionary {self.dictionary.name!r}, expected 0 to "
                f"{width - 1}"
            )
        code = SparseCode(torch.tensor([0, 1]), torch.tensor([latent]), torch.ones(1), width, (1,))
        x = torch.ones(1, self.dictionary.d_in)
        read, offset, site = self._directions(x, code, check=False)
        return self.reads[int(site)], read[0], float(offset)

    def _directions(
        self, x: Float[Tensor, "time d"], code: SparseCode, check: bool = True
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The direction of every entry at the site that it reads, its offset, and the site.

        pre(x) = direction · x + offset, from the gradient of the encoder's own equation.
        """
        sae = self.dictionary
        entries = len(code.indices)
        support = Support(torch.arange(entries + 1), code.indices, code.width)

        def pre(rows: Tensor) -> Tensor:
            seen = sae.centred(sae.normalisation.normalise(rows))
            return sae.encoder.preacts_at(seen, support)

        rows = x[code.row_of_entry].requires_grad_()
        with torch.enable_grad():
            values = pre(rows)
            (direction,) = torch.autograd.grad(values.sum(), rows)
        offset = (values - (direction * rows).sum(1)).detach()
        with torch.no_grad():
            moved = pre(2 * rows) - 2 * (values - offset) - offset
            off = float(moved.abs().max()) if entries else 0.0
            largest = float(values.abs().max()) if entries else 1.0
            differs = float((values - code.values).abs().max()) if entries else 0.0
        if max(off, differs if check else 0.0) > _AFFINE * max(largest, 1.0):
            raise ConfigError(
                f"got the dictionary {sae.name!r} with the encoder {sae.encoder.kind!r} and the "
                f"sparsifier {sae.sparsifier.kind!r}, whose activation values are not affine in "
                "the input; expected those of a linear encoder with TopK, BatchTopK, JumpReLU or "
                "ReLU. Train one of these on the site"
            )
        parts = direction.reshape(entries, len(self.reads), -1) if entries else direction[:, None]
        sizes = parts.abs().amax(-1)
        site = sizes.argmax(1) if entries else torch.zeros(0, dtype=torch.int64)
        if entries and bool(((sizes > 0).sum(1) > 1).any()):
            raise ConfigError(
                f"got the dictionary {sae.name!r}, whose latents read several sites at once; "
                "expected one site a latent, as of a cross-layer transcoder"
            )
        return parts[torch.arange(entries), site], offset, site


def replacements(
    model: nn.Module, dictionaries: Mapping[str, Dictionary] | Sequence[Dictionary]
) -> list[Replacement]:
    """Dictionaries with the sites of a model that they read and write.

    dictionaries: by site ("model.layers.3" for an SAE, "model.layers.3.mlp" for the module that a
    transcoder replaces, a pattern such as "model.layers.*.mlp" for a cross-layer transcoder, or
    "a:input -> b"); or a list of dictionaries that know their sites, as trained ones do.

    Errors: ConfigError for none, for a dictionary of another kind, and for two that write to one
    site; UnknownNameError for a site that does not exist; MismatchError for another number of
    sites.
    """
    named = dictionaries if isinstance(dictionaries, Mapping) else _by_provenance(dictionaries)
    if not named:
        raise ConfigError("got no dictionaries, expected one or more, by site")
    listed = [_replacement(model, name, one) for name, one in named.items()]
    written = [name for one in listed for name in one.writes]
    twice = {name for name in written if written.count(name) > 1}
    if twice:
        raise ConfigError(
            f"got two dictionaries that write to {twice.pop()!r}, expected one a site"
        )
    return listed


def _by_provenance(dictionaries: Sequence[Dictionary]) -> dict[str, Dictionary]:
    named = {}
    for one in dictionaries:
        site = one.provenance.get("site")
        if not site:
            raise ConfigError(
                f"the dictionary {one.name!r} does not know its site; give a mapping of sites to "
                "dictionaries"
            )
        if site in named:
            raise ConfigError(
                f"got two dictionaries of the site {site!r}, expected one a site; leave one out"
            )
        named[site] = one
    return named


def _replacement(model: nn.Module, name: str, sae: Dictionary) -> Replacement:
    if sae.is_stateful:
        raise ConfigError(
            f"got the dictionary {sae.name!r}, whose code depends on earlier steps; a graph needs "
            "a dictionary that encodes each step alone"
        )
    if sae.skip is not None and not isinstance(sae.skip, LinearSkip):
        raise ConfigError(
            f"got the dictionary {sae.name!r} with the skip connection {sae.skip.kind!r}, expected "
            "a linear one"
        )
    before, arrow, after = name.partition("->")
    writes = _sites(model, after if arrow else before)
    if arrow:
        reads = _sites(model, before)
    elif sae.out_dims is None:
        reads = writes
    else:
        reads = tuple(f"{site}:input" for site in writes)
    for what, sites, count in (
        ("reads", reads, len(sae.in_dims)),
        ("writes", writes, len(sae.out_dims or sae.in_dims)),
    ):
        if len(sites) != count:
            raise MismatchError(
                f"got {len(sites)} sites in {name!r} for the dictionary {sae.name!r}, which {what} "
                f"{count}"
            )
    return Replacement(sae, reads, writes)


def _sites(model: nn.Module, names: str) -> tuple[str, ...]:
    patterns = [name.strip() for name in names.split(" + ")]
    return tuple(site for sites in matching_sites(model, patterns).values() for site in sites)


def _check_decoder(sae: Dictionary, sums: Tensor, decoded: Tensor) -> None:
    largest = float(decoded.abs().max()) if decoded.numel() else 1.0
    if float((sums - decoded).abs().max()) > _DECODED * max(largest, 1.0):
        raise ConfigError(
            f"got the dictionary {sae.name!r} with the decoder {sae.decoder.kind!r}, which is no "
            "sum of one atom a latent; expected one with atoms, such as unit_norm"
        )
