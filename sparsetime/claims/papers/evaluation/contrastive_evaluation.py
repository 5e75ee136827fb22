"""CE-Bench: contrastive and independence scores of a trained and of a random dictionary."""

import tempfile
from functools import cache

import numpy as np
from torch import Tensor

from sparsetime.activations.capture.capture import capture
from sparsetime.claims.claim import Lab, Less, Within, claim
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.contrastive import ContrastiveScores, contrastive_scores
from sparsetime.models.load import LoadedModel
from sparsetime.statistics.nulls import random_code
from sparsetime.testbeds.contrastive_pairs.pairs import contrastive_pairs

SITE = "encoder.layer.3"
WIDTH, K, ROWS = 768, 16, 60_000


@claim(
    "contrastive_evaluation",
    system=239,
    says="Contrastive and independence scores, computed without a language model, are higher for a "
    "trained dictionary than for a random one, and repeat within a tenth in another seed.",
    data="MiniLM layer 3; 384 pairs of texts of our own, which differ in one respect",
    expects=[
        Less("contrastive score, random", than="contrastive score"),
        Less("independence score, random", than="independence score"),
        Within("contrastive score of another seed", of="contrastive score", tolerance=0.1),
        Within("independence score of another seed", of="independence score", tolerance=0.1),
    ],
    seconds=80,
    rule="Contrastive and independence scores run without any LLM, rank a trained SAE above a "
    "random one, and repeat across seeds.",
    notes="The pairs are shorter and more regular than CE-Bench's stories. The scores measure how "
    "peaked codes are: shuffled pairs score most of them too, which the values hold.",
    null=lambda lab, seed: _values(lab, seed, is_trained=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """TopK of two seeds, and random atoms of equal width and L0."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, is_trained: bool = True) -> dict[str, float]:
    """is_trained: False for the null, with random dictionaries in the place of trained ones."""
    real = lab.real(SITE)
    assert real.bed.model is not None
    x, lengths = _rows(real.bed.model)

    def trained(number: int) -> SparseCode:
        if not is_trained:
            return random_code(x, WIDTH, K, number)
        sae = dictionary("topk", d_in=real.d, width=WIDTH, k=K, seed=number)
        return lab.train(sae, real.train, rows=ROWS, seed=number).encode(x)

    scores, other = (_scores(trained(n), lengths, seed) for n in (seed, seed + 1000))
    random = _scores(random_code(x, WIDTH, K, seed + 2000), lengths, seed)
    values = {}
    for name in ("contrastive", "independence"):
        values[f"{name} score"] = getattr(scores, name).value
        values[f"{name} score of another seed"] = getattr(other, name).value
        values[f"{name} score, random"] = getattr(random, name).value
        values[f"{name} score of shuffled pairs"] = getattr(scores, name).null
    values["held-out pairs ordered by one latent"] = scores.direction.value
    return values


@cache
def _rows(model: LoadedModel) -> tuple[Tensor, np.ndarray]:
    """Activations of all steps of the texts, and the steps of each."""
    with tempfile.TemporaryDirectory() as folder:
        store = capture(model, contrastive_pairs().texts, SITE, folder, progress=False)
        lengths = store.sequences["length"].to_numpy().astype(np.int64)
        return store.read(0, len(store)).float(), lengths


def _scores(code: SparseCode, lengths: np.ndarray, seed: int) -> ContrastiveScores:
    bed = contrastive_pairs()
    return contrastive_scores(
        code, lengths, bed.pairs, bed.subjects, bed.contrasts, bed.wordings, seed
    )
