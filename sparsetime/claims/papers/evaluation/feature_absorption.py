"""Feature absorption: planted cases are flagged, and the true dictionary has none."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import L1, MSE, Objective
from sparsetime.dictionaries.sparsifiers import ReLU
from sparsetime.metrics.absorption import absorption, fit_concept_probe, main_latents

D, WIDTH, CHILDREN, ABSORBED = 64, 48, 4, 2
ROWS, NOISE = 12_000, 0.02
PARENT = 0


@claim(
    "feature_absorption",
    system=149,
    says="Of the planted cases in which a child's latent absorbs its parent the score flags at "
    "least .8; where none is absorbed, and in the true dictionary, it flags at most .02.",
    data="planted: a parent with four children, each on only while the parent is, among 43 other "
    "features with orthogonal atoms and noise",
    expects=[
        AtLeast("recall of planted cases", than=0.8),
        AtMost("rate where none is planted", than=0.02),
        AtMost("rate of the true dictionary", than=0.02),
    ],
    seconds=30,
    rule="On a planted parent-child hierarchy, the score flags known absorbed cases with stated "
    "recall and reads near zero for the true dictionary.",
    notes="Absorption is planted in the dictionary: the atoms of two children hold the parent's, "
    "whose latent they inhibit, as Chanin et al. show that training does. Whether training does is "
    "another question; the first letters of English words are not read here.",
    null=lambda lab, seed: _values(seed, absorbing=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The probe, and the parent's main latents, are found on other rows than are scored."""
    return _values(seed)


def _values(seed: int, absorbing: bool = True) -> dict[str, float]:
    """absorbing: False for the null, in which the true dictionary is in the other's place."""
    atoms, code, x = _planted(seed)
    half = ROWS // 2
    parent = code[:, PARENT] > 0
    absorbed = (code[:, 1 : 1 + ABSORBED] > 0).any(1)
    probe = fit_concept_probe(x[:half], parent[:half])
    rates = {}
    dictionaries = {
        "true": _dictionary(atoms, absorbing=False),
        "other": _dictionary(atoms, absorbing=absorbing),
    }
    for name, sae in dictionaries.items():
        main = main_latents(sae, x[:half], parent[:half], most=1)
        with_child, without = (
            absorption(sae, probe, main, x[half:], (parent & rows)[half:])
            for rows in (absorbed, ~absorbed)
        )
        rates[name] = with_child.rate, without.rate
        if name == "true":
            whole = absorption(sae, probe, main, x[half:], parent[half:]).rate
    return {
        "recall of planted cases": rates["other"][0],
        "rate where none is planted": rates["other"][1],
        "rate of the true dictionary": whole,
        "share of the parent's rows with a planted case": float(absorbed[parent].float().mean()),
    }


def _planted(
    seed: int,
) -> tuple[Float[Tensor, "width d"], Float[Tensor, "rows width"], Float[Tensor, "rows d"]]:
    """Orthonormal atoms, values and activations; children are on only while the parent is."""
    rng = seeds.torch_generator(seed, "planted atoms")
    atoms = torch.linalg.qr(torch.randn(D, WIDTH, generator=rng)).Q.T
    rng = seeds.torch_generator(seed, "planted codes")
    fires = torch.rand(ROWS, WIDTH, generator=rng) < 0.08
    fires[:, PARENT] = torch.rand(ROWS, generator=rng) < 0.4
    child = torch.randint(0, 2 * CHILDREN, (ROWS,), generator=rng)  # half of them have none
    for number in range(CHILDREN):
        fires[:, 1 + number] = fires[:, PARENT] & (child == number)
    values = 1 + torch.rand(ROWS, WIDTH, generator=rng)
    code = torch.where(fires, values, 0.0)
    noise = torch.randn(ROWS, D, generator=seeds.torch_generator(seed, "planted noise"))
    return atoms, code, code @ atoms + NOISE * noise


def _dictionary(atoms: Float[Tensor, "width d"], absorbing: bool) -> Dictionary:
    """The true dictionary, or one whose first children's atoms hold the parent's."""
    sae = Dictionary(
        LinearEncoder(D, WIDTH), ReLU(), UnitNormDecoder(WIDTH, D), Objective([MSE(), L1(0.1)])
    )
    read, written = atoms.clone(), atoms.clone()
    if absorbing:
        for number in range(1, 1 + ABSORBED):
            read[PARENT] -= 4 * atoms[number]  # the parent's latent is silent while the child fires
            read[number] *= 2**0.5  # its atom has half of its square along each direction
            written[number] = (atoms[number] + atoms[PARENT]) / 2**0.5
    with torch.no_grad():
        sae.encoder.load_state_dict({"weight": read, "bias": torch.full((WIDTH,), -0.2)})
        sae.decoder.load_state_dict({"weight": written, "bias": torch.zeros(D)})
    return sae
