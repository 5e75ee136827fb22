"""500 proteins, most of them human, with residues, hydropathy and zinc fingers as labels."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Float

from sparsetime.activations.capture.document import Document
from sparsetime.testbeds.networks.protein_lstm import RESIDUES, residues_of
from sparsetime.testbeds.wheels.fetch import open_wheel

_FILE = "metapredict/tests/input_data/ground_truth_500_seqs.fasta"
#: C-x(2,4)-C-x(3)-[LIVMFYWC]-x(8)-H-x(3,5)-H: the pattern PS00028 of PROSITE (Sigrist et al. 2013).
ZINC_FINGER = re.compile(r"C.{2,4}C.{3}[LIVMFYWC].{8}H.{3,5}H")
#: Kyte and Doolittle 1982, A simple method for displaying the hydropathic character of a protein,
#: table 2; of `RESIDUES`.
_HYDROPATHY = np.array(
    [
        *(1.8, 2.5, -3.5, -3.5, 2.8, -0.4, -3.2, 4.5, -3.9, 3.8),
        *(1.9, -3.5, -1.6, -3.5, -4.5, -0.8, -0.7, 4.2, -0.9, -1.3),
    ]
)
_WINDOW = 19  # residues, as long as a helix that crosses a membrane


def human_proteins(longest: int = 2000) -> list[Document]:
    """Proteins of at most `longest` residues as tokens of a capture, in the order of the file.

    Labels: `protein`, its name. Step labels: `residue`, a letter; `hydropathy`, the mean of 19
    residues around it; `zinc finger`, whether it lies in one by PROSITE's pattern. A step is a
    residue.

    Errors: those of `open_wheel` where metapredict was not fetched.
    """
    entries = open_wheel("metapredict").text(_FILE).split(">")[1:]
    documents = []
    for entry in entries:
        header, _, lines = entry.partition("\n")
        letters = lines.replace("\n", "")
        if len(letters) <= longest and set(letters) <= set(RESIDUES):
            documents.append(_document(header, letters))
    return documents


def in_zinc_finger(letters: str) -> list[bool]:
    """Whether each residue lies in a zinc finger of the type C2H2."""
    inside = [False] * len(letters)
    for match in ZINC_FINGER.finditer(letters):
        inside[match.start() : match.end()] = [True] * (match.end() - match.start())
    return inside


def hydropathy(letters: str) -> Float[np.ndarray, " residues"]:
    """The mean hydropathy of the 19 residues around each, fewer at the ends."""
    values = _HYDROPATHY[residues_of(letters)]
    box = np.ones(_WINDOW)
    count = np.convolve(np.ones(len(values)), box, mode="full")
    summed = np.convolve(values, box, mode="full")
    middle = slice(_WINDOW // 2, _WINDOW // 2 + len(values))
    mean: Float[np.ndarray, " residues"] = summed[middle] / count[middle]
    return mean


def _document(header: str, letters: str) -> Document:
    key, _, rest = header.partition(" ")
    return Document(
        key.split("|")[1],
        tokens=residues_of(letters),
        labels={"protein": rest.partition(" OS=")[0]},
        step_labels={
            "residue": list(letters),
            "hydropathy": np.round(hydropathy(letters), 3),
            "zinc finger": in_zinc_finger(letters),
        },
        unit="residue",
        source="UniProt",
    )
