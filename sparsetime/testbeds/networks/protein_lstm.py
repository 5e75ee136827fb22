"""Bidirectional LSTMs that read a property of every residue of a protein."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.errors import DataError, unknown_name
from sparsetime.testbeds.wheels.fetch import open_wheel

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

#: The twenty amino acids in the order of the input.
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
_FOLDER = "metapredict/backend"
# File of weights, width in each direction, whether the outputs of the LSTM are normalised.
_NETWORKS = {
    "disorder": (f"{_FOLDER}/networks/epoch099_val_loss1107.08.ckpt", 52, True),
    "confidence": (
        f"{_FOLDER}/ppLDDT/networks/alpha_fold_networkV7_hs100_nL2_200e_all_prot.pt",
        100,
        False,
    ),
}


@final
class ProteinLSTM(nn.Module):
    """One value a residue, from an LSTM that reads the protein in both directions.

        y_t = w · n_t + b,  n = LayerNorm(h) or h,  h_t = [forward LSTM_t, backward LSTM_t]

    Residues [batch, residues], as numbers of `RESIDUES`, give [batch, residues]. Sites: `lstm`, of
    width 2 `width`, in two layers; `norm`; `linear`.

    Source: Emenecker, Griffith and Holehouse 2021, Metapredict: a fast, accurate, and easy-to-use
    predictor of consensus disorder and structure; Griffith and Holehouse 2021, PARROT.
    """

    def __init__(self, width: int, normalised: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(len(RESIDUES), width, 2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * width) if normalised else nn.Identity()
        self.linear = nn.Linear(2 * width, 1)

    def forward(self, input_ids: Int[Tensor, "batch residues"]) -> Float[Tensor, "batch residues"]:
        one_hot = nn.functional.one_hot(input_ids.long(), len(RESIDUES)).to(
            self.linear.weight.dtype
        )
        hidden, _ = self.lstm(one_hot)
        values: Tensor = self.linear(self.norm(hidden)).squeeze(-1)
        return values


def protein_lstm(predicts: str = "disorder") -> LoadedModel:
    """A network with the weights that the wheel of metapredict carries.

    predicts: "disorder", from 0 (folded) to 1, version 3; "confidence", from 0 to 100, which
    AlphaFold would report (pLDDT), version 1.

    Errors: UnknownNameError for another property; those of `open_wheel` where it was not fetched.
    """
    from sparsetime.models.load import load_model

    if predicts not in _NETWORKS:
        raise unknown_name("property of a protein", predicts, _NETWORKS)
    file, width, normalised = _NETWORKS[predicts]
    model = ProteinLSTM(width, normalised)
    names = {"layer_norm": "norm", "fc": "linear", "linear_layers.0": "linear"}
    saved = open_wheel("metapredict").tensors(file)
    for old, new in names.items():
        saved = {name.replace(f"{old}.", f"{new}."): value for name, value in saved.items()}
    model.load_state_dict(saved)
    return replace(load_model(model.eval()), name=f"metapredict {predicts}")


def residues_of(protein: str) -> Int[np.ndarray, " residues"]:
    """The residues of a protein in one-letter code as numbers of `RESIDUES`.

    Errors: DataError that names the first letter that is none of the twenty.
    """
    numbers = np.array([RESIDUES.find(letter) for letter in protein.upper()], dtype=np.int64)
    wrong = np.flatnonzero(numbers < 0)
    if len(wrong):
        raise DataError(
            f"got {protein[wrong[0]]!r} at residue {wrong[0]}, expected one of the twenty amino "
            f"acids {RESIDUES}; leave the protein out, or replace the letter"
        )
    return numbers
