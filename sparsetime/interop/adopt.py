"""A dictionary out of any pair of functions: of an architecture that no format here has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.dictionaries.decoders.free_norm import FreeNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.dense import DenseEncoder
from sparsetime.dictionaries.objectives.mse import MSE
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.sparsifiers.abs_top_k import AbsTopK
from sparsetime.errors import ConfigError, DataError

Function: TypeAlias = Callable[[Tensor], Tensor]

_PROBES = 16  # rows by which the functions are checked and identified
_TOLERANCE = 1e-3  # of the largest output
_BLOCK = 1024  # latents that are decoded at a time


@final
class AdoptedEncoder(DenseEncoder):
    """Encoder that calls a function; its weights are not known here.

    probe: codes of fixed rows, which tell one function from another. Errors: ConfigError where it
    is to be saved.
    """

    kind = "adopted"
    undivided = "it is a function"
    subtracts_offset = False

    def __init__(self, function: Function, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width
        self.__dict__["function"] = function
        self.register_buffer("probe", torch.zeros(_PROBES, width))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        code: Tensor = self.__dict__["function"](x)
        if tuple(code.shape) != (len(x), self.width):
            raise DataError(
                f"encode returned shape {list(code.shape)} for rows of shape {list(x.shape)}, "
                f"expected [{len(x)}, {self.width}], dense"
            )
        return code.float()

    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """Does nothing: the function is fixed."""

    def to_config(self) -> dict[str, Any]:
        raise ConfigError(
            "got a dictionary of functions (sparsetime.adopt) to save, expected one of weights; "
            "index, evaluate and compare it in the process that made it"
        )


@torch.no_grad()
def adopt(
    encode: Function, decode: Function, d_in: int, width: int, name: str = "adopted"
) -> Dictionary:
    """A dictionary out of two functions, with all that follows from codes.

        code = encode(x)     x: [rows, d_in] -> [rows, width], dense, a row from itself alone
        x̂ = decode(code)     [rows, width] -> [rows, d_out], affine

    It is evaluated, indexed and compared; it is not saved, and its encoder does not train. Every
    row's code is computed dense. The decoder's rows are read off by decoding single latents.

    Errors: ConfigError for a decoder that is not affine, or an encoder whose code of a row depends
    on other rows; DataError for codes of another shape or with NaN.
    """
    bias = decode(torch.zeros(1, width)).float()[0]
    # In blocks, since all unit codes at once have width² numbers.
    blocks = torch.arange(width).split(_BLOCK)
    atoms = torch.cat([decode(_unit_codes(block, width)).float() - bias for block in blocks])
    _check_affine(decode, atoms, bias)
    is_transcoder = len(bias) != d_in
    encoder = AdoptedEncoder(encode, d_in, width)
    dictionary = Dictionary(
        encoder,
        AbsTopK(width),
        FreeNormDecoder(width, len(bias)),
        Objective([MSE()]),
        name,
        out_dims=(len(bias),) if is_transcoder else None,
    )
    dictionary.decoder.load_state_dict({"weight": atoms, "bias": bias})
    dictionary.is_fitted = True
    rows = torch.randn(_PROBES, d_in, generator=seeds.torch_generator(0, "adopted functions"))
    code = encode(rows).float()
    if tuple(code.shape) != (_PROBES, width) or not torch.isfinite(code).all():
        raise DataError(
            f"encode returned shape {list(code.shape)} for rows of shape {list(rows.shape)}"
            f"{' with NaN or inf' if not torch.isfinite(code).all() else ''}, expected finite "
            f"codes of shape [{_PROBES}, {width}]"
        )
    if not torch.allclose(encode(rows[:1]).float(), code[:1], rtol=1e-3, atol=1e-5):
        raise ConfigError(
            "the code of a row depends on the other rows of its batch, as in BatchTopK's training; "
            "give an encode that computes each row alone"
        )
    encoder.get_buffer("probe").copy_(code)
    return dictionary.eval()


def _unit_codes(latents: Int[Tensor, " some"], width: int) -> Float[Tensor, "some width"]:
    """Codes in which one latent each has the value 1."""
    return torch.zeros(len(latents), width).scatter_(1, latents[:, None], 1.0)


def _check_affine(
    decode: Function, atoms: Float[Tensor, "width d"], bias: Float[Tensor, " d"]
) -> None:
    generator = seeds.torch_generator(1, "adopted functions")
    code = torch.rand(_PROBES, len(atoms), generator=generator)
    expected, found = code @ atoms + bias, decode(code).float()
    if (expected - found).abs().max() > _TOLERANCE * found.abs().max():
        raise ConfigError(
            "decode is not affine: the sum of two codes is not decoded as the sum of both. The "
            "directions of latents are not defined then; give an affine part of it"
        )
