"""The Other Mind: by which law of distance a language model's years are alike, layer by layer."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.metrics.distance_laws import distance_laws
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.english.pretrained import english_model

LAYERS = (2, 6, 10, 14, 18, 22, 26)
FIRST, LAST, REFERENCE = 1500, 2050, 2025
YEARS = 100
FRAME = "In the year {year},"


@claim(
    "year_laws",
    system=261,
    says="Similarities of pairs of years are fitted better by a log or linear law of distance than "
    "with shuffled years, in every layer measured; which law wins is reported by layer.",
    data="SmolLM2-135M-Instruct in 4 bits, layers 2 to 26 of 30; 100 years a seed of 1500 to 2050",
    expects=[
        Less("largest R2 of shuffled years", than="least R2 of the winning law"),
        AtLeast("layers where a law beats all shuffles", than=len(LAYERS)),
    ],
    seconds=60,
    rule="Year-pair similarities in a small model are fitted by log, linear and flat laws; the "
    "winner is reported per layer with a shuffled-year null.",
    notes="Similarity is read at the comma behind the year, since digits are single tokens. The "
    "reference is 2025, and not searched: the log law cannot win by it. Winner: 1 for log, 0 for "
    "linear, -1 for flat. Neurons tuned to time and probes are not checked.",
    null=lambda lab, seed: _values(seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Laws are fitted on half of the years and scored on the others."""
    return _values(seed)


def _values(seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: the null, in which each prompt has another year's place."""
    rng = seeds.numpy_generator(seed, "random choice")
    years = np.sort(rng.choice(np.arange(FIRST, LAST + 1), size=YEARS, replace=False))
    rows = _rows(_model(), years)
    places = rng.permutation(years) if shuffled else years
    values, best, null, beats = {}, [], [], 0
    for layer, x in zip(LAYERS, rows, strict=True):
        found = distance_laws(x, places.astype(float), REFERENCE, seed)
        for law in ("log", "linear"):
            values[f"R2 of the {law} law, layer {layer}"] = found.r2[law]
        winner = {"log": 1.0, "linear": 0.0, "flat": -1.0}[found.winner]
        values[f"winner, layer {layer}"] = winner
        best.append(found.r2[found.winner])
        null.append(found.null)
        beats += found.winner != "flat" and found.p <= 0.02
    return {
        "least R2 of the winning law": min(best),
        "largest R2 of shuffled years": max(null),
        "layers where a law beats all shuffles": float(beats),
        **values,
    }


@cache
def _model() -> LoadedModel:
    return english_model()


def _rows(model: LoadedModel, years: np.ndarray) -> list[Float[Tensor, "years d"]]:
    """Activations behind each year, by layer."""
    assert model.tokenizer is not None
    texts = [FRAME.format(year=year) for year in years]
    ids = torch.tensor(model.tokenizer(texts)["input_ids"])
    sites = [f"model.layers.{layer}" for layer in LAYERS]
    without_head = model.model.get_submodule("model")
    parts: list[list[Tensor]] = [[] for _ in sites]
    for batch in ids.split(50):
        with torch.no_grad(), recording(model.model, sites) as activations:
            without_head(input_ids=batch, use_cache=False)
        for part, site in zip(parts, sites, strict=True):
            part.append(activations[site][:, -1])
    return [torch.cat(part) for part in parts]
