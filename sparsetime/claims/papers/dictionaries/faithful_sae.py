"""FaithfulSAE: stability across seeds and fake features, by the source of the text."""

from collections.abc import Iterable
from functools import cache
from tempfile import TemporaryDirectory

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.generate import sample_documents
from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.load import vocabulary_size
from sparsetime.testbeds.atom_recovery import recovery
from sparsetime.testbeds.prose.build import documents as prose
from sparsetime.testbeds.python_code.pretrained import code_model

SITE, WIDTH, K, ROWS = "model.layers.1", 512, 8, 120_000
SAMPLES, CHARACTERS, WINDOW = 400, 350_000, 256
HELD_OUT = 10_000  # rows on which the error is reported
SEQUENCES, LENGTH = 2000, 16  # of random tokens
OFTEN, MATCHED = 0.05, 0.7  # share of the random sequences; lowest cosine of a match
ANOTHER = 500_000  # from a seed to the one that it is matched with


@claim(
    "faithful_sae",
    says="Dictionaries of the model's own samples match across seeds more often than those of "
    "foreign text, and fewer of their features fire often on random tokens.",
    data="the code model: its own samples against English prose, as many tokens of each",
    system=211,
    expects=[
        Less("share matched, foreign", than="share matched, own"),
        Less("share fake, own", than="share fake, foreign"),
    ],
    notes="A feature is matched when one of another seed points the same way (cosine over 0.7, one "
    "to one), and fake when it fires in over a twentieth of sequences of 16 random tokens, as the "
    "authors' code counts. The foreign text of the paper is of the web, which its models have read "
    "much of; the code model has read prose in comments alone.",
    null=UNTRAINED,
    rule="SAEs trained on model samples match across seeds more often and show fewer fake "
    "features than those trained on foreign text.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Two dictionaries of each kind of text, which differ in the seed only."""
    generated, foreign, noise = _rows()
    values: dict[str, float] = {}
    for name, rows in (("own", generated), ("foreign", foreign)):
        first, second = (_trained(lab, rows[HELD_OUT:], s) for s in (seed, seed + ANOTHER))
        matched = recovery(first.atoms.detach(), second.atoms.detach()).cosine > MATCHED
        values[f"share matched, {name}"] = float(matched.float().mean())
        values[f"share fake, {name}"] = (_fake(first, noise) + _fake(second, noise)) / 2
        values[f"FVU, {name}"] = lab.fvu(first, rows[:HELD_OUT])
    return values


def _trained(lab: Lab, rows: Float[Tensor, "rows d"], seed: int) -> Dictionary:
    new_sae = dictionary("faithful_sae", d_in=rows.shape[1], width=WIDTH, k=K, seed=seed)
    return lab.train(new_sae, rows, rows=ROWS, seed=seed)


def _fake(sae: Dictionary, noise: Float[Tensor, "rows d"]) -> float:
    """Share of features that are active somewhere in over 5% of random sequences."""
    active = sae.encode(noise.unflatten(0, (-1, LENGTH))).dense().ne(0).any(1)
    return float((active.float().mean(0) > OFTEN).float().mean())


@cache
def _rows() -> tuple[Tensor, Tensor, Tensor]:
    """Activations [rows, d] of the model's samples, of prose (as many), and of random tokens."""
    model = code_model()
    samples = sample_documents(model, SAMPLES, WINDOW, progress=False)
    generator = seeds.torch_generator(0, "random tokens")
    size = (SEQUENCES, 1 + LENGTH)
    drawn = torch.randint(1, vocabulary_size(model.model) or 1, size, generator=generator)
    drawn[:, 0] = 0  # the token that every document begins with, which is not stored
    random = [Document(f"random-{i}", tokens=tokens) for i, tokens in enumerate(drawn)]
    generated, foreign, noise = map(_read, (samples, prose(CHARACTERS), random))
    count = min(len(generated), len(foreign))
    return generated[:count], foreign[:count], noise


def _read(documents: Iterable[Document]) -> Float[Tensor, "rows d"]:
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        store = capture(code_model(), documents, SITE, folder, window=WINDOW, progress=False)
        return store.read(0, len(store)).float()
