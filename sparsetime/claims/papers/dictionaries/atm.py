"""ATM: feature absorption, by first letters of tokens."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import UNTRAINED, Lab, Less, Within, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.absorption import ConceptProbe, absorption, fit_concept_probe, main_latents

_SITE, _LETTERS = "encoder.layer.0", "stcaiprfodmwnbelhu"
_L0, _WIDTH, _ROWS, _PROBED, _SNAPSHOTS = 16, 512, 40_000, 8000, 4
# Searched on the tuning seed and tuning documents, so that each ends near the same L0.
_SETTINGS: dict[str, dict[str, float]] = {
    "atm": {"l1": 0.165},
    "topk": {"k": _L0},
    "jumprelu": {"l0": 14.0, "l0_weight": 1.0, "threshold": 0.057},
}


@claim(
    "atm",
    system=131,
    says="At the same L0 and error, absorption of the first letters of tokens is lower in ATM than "
    "in TopK and JumpReLU.",
    data="MiniLM layer 0, held-out documents: 18 letters, tokens that begin words",
    expects=[
        Less("absorption in atm", than="absorption in topk"),
        Less("absorption in atm", than="absorption in jumprelu"),
        Within("L0 of atm", of=_L0, tolerance=0.15),
        Within("L0 of jumprelu", of=_L0, tolerance=0.15),
        Within("FVU of atm", of="FVU of topk", tolerance=0.1),
    ],
    seconds=90,
    notes="The penalty shrinks activations and the mask adds to the error, so that ATM has a far "
    "higher FVU at this L0; at equal error it would have a larger L0. In so narrow a dictionary no "
    "latent is specific to a letter, and in every recipe the main latents of a letter are silent "
    "on most of its tokens.",
    null=UNTRAINED,
    rule="At matched L0 and explained variance over three seeds, ATM scores lower on first-"
    "letter absorption than TopK and JumpReLU.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real(_SITE)
    values = {}
    for name, settings in _SETTINGS.items():
        sae = dictionary(name, d_in=data.d, width=_WIDTH, seed=seed, **settings)
        stages = lab.train_with_snapshots(
            sae, data.train, rows=_ROWS, seed=seed, snapshots=_SNAPSHOTS
        )
        for rows, stage in list(stages.items())[1:-1]:  # the first stage is after one step
            values[f"absorption in {name} at {rows:,} rows"] = absorbed(stage, data)
        values[f"absorption in {name}"] = absorbed(sae, data)
        values[f"L0 of {name}"] = lab.l0(sae, data.held_out)
        values[f"FVU of {name}"] = lab.fvu(sae, data.held_out)
    return values


def absorbed(sae: Dictionary, data: Splits) -> float:
    """Mean rate of absorption over letters."""
    x, letter = _words(data, data.train_store, data.train, _PROBED)
    held_out, held_out_letter = _words(data, data.held_out_store, data.held_out)
    rates = []
    for name, probe in _probes(data).items():
        main = main_latents(sae, x, _is(letter, name))
        measured = absorption(sae, probe, main, held_out, _is(held_out_letter, name))
        rates.append(measured.rate)
    return float(np.mean(rates))


@cache
def _probes(data: Splits) -> dict[str, ConceptProbe]:
    x, letter = _words(data, data.train_store, data.train, _PROBED)
    return {name: fit_concept_probe(x, _is(letter, name)) for name in _LETTERS}


def _words(
    data: Splits, store: Store, x: Float[Tensor, "rows d"], most: int | None = None
) -> tuple[Float[Tensor, "words d"], np.ndarray]:
    """Rows whose token begins a word, and its first letter; `most` of them, drawn evenly."""
    tokenizer = None if data.bed.model is None else data.bed.model.tokenizer
    assert tokenizer is not None, "this testbed's model has one"
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    first = np.array([name[0] if name[0].isalpha() else "" for name in names])
    letter = first[store.steps(["token"])["token"].to_numpy()]
    words = np.flatnonzero(letter != "")
    if most is not None:
        generator = seeds.numpy_generator(0, "random choice")
        words = np.sort(generator.choice(words, most, replace=False))
    return x[torch.from_numpy(words)], letter[words]


def _is(letter: np.ndarray, name: str) -> Bool[Tensor, " words"]:
    return torch.from_numpy(letter == name)
