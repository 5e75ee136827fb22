"""Attention output SAEs: features divided among heads, and features of repeated sequences."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.circuits.head_attribution import head_contributions, head_shares
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.hooks import Recorder
from sparsetime.models.load import LoadedModel
from sparsetime.steering.prompts import tokens_of
from sparsetime.testbeds.english.pretrained import english_model
from sparsetime.testbeds.sentences.texts import labelled_sentences

SITE, HEADS = "layers.15.self_attn.o_proj:input", 9
WIDTH, K, ROWS = 768, 16, 40_000
HALF, LEARNT, TESTED, BATCH = 24, 40, 40, 40
SENTENCES, SENTENCE = 40, 16
VOCABULARY = (1_000, 40_000)  # tokens that random sequences are of
FIRES, RATE, PRECISION = 0.3, 0.05, 0.97


@claim(
    "attention_output_features",
    system=7,
    says="Shares of heads in the decoder rows of features of an attention's outputs sum to one, "
    "their contributions to an activation value add up to it, and some features fire only where "
    "a sequence repeats.",
    data="SmolLM2 layer 15 in the place of GPT-2 small: labelled sentences, and random tokens of "
    "which the second half repeats the first, or does not",
    expects=[
        AtMost("largest miss of shares of heads", than=1e-4),
        AtMost("largest miss of contributions of heads", than=1e-3),
        AtLeast("features that fire only where sequences repeat", than=3),
        AtLeast("share of their firing at repeats, other sequences", than=0.9),
    ],
    seconds=75,
    rule="on GPT-2 small, decoder-block attribution sums to one per feature, and some features "
    "fire only where the sequence repeats.",
    notes="A proxy: another model, and random tokens. A feature fires where its activation is "
    "above 0.3 of its largest; it is of repeats where at least 0.97 of its firing is in second "
    "halves that repeat the first, and it fires on at least 0.05 of their steps. Sequences without "
    "repeats have the same positions. Features are counted on the sequences that train. In the "
    "null none repeats.",
    null=lambda lab, seed: _values(lab, seed, repeated=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Features are chosen and counted on the sequences that train; their firing, on others."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, repeated: bool = True) -> dict[str, float]:
    """repeated: False for the null, in which no sequence repeats."""
    rng = seeds.numpy_generator(seed, "random choice")
    sets = []
    for count in (LEARNT, TESTED):
        tokens = torch.cat([_sequences(count, repeated, rng), _sequences(count, False, rng)])
        x = torch.cat([_activations(some) for some in tokens.split(BATCH)])[:, 1:]
        is_repeat = torch.zeros(x.shape[:2], dtype=torch.bool)
        is_repeat[:count, HALF - 1 :] = True
        sets.append((x.flatten(0, 1), is_repeat.flatten()))
    (learnt, learnt_repeats), (tested, tested_repeats) = sets
    sae = dictionary("topk", d_in=learnt.shape[1], width=WIDTH, k=K, seed=seed)
    lab.train(sae, torch.cat([learnt, _sentences()]), rows=ROWS, seed=seed)
    shares = head_shares(sae, HEADS)
    parts = head_contributions(sae, tested[:: len(tested) // 200], HEADS)
    missed = (parts.heads.sum(1) + parts.offset - parts.values).abs()
    code = sae.encode(learnt).dense().detach()
    least = FIRES * code.amax(0)
    rate, precision = _firing(code, least, learnt_repeats)
    chosen = (rate >= RATE) & (precision >= PRECISION)
    rate, precision = _firing(sae.encode(tested).dense().detach(), least, tested_repeats)
    kept = chosen & (rate > 0)
    return {
        "largest miss of shares of heads": float((shares.sum(1) - 1).abs().max()),
        "largest miss of contributions of heads": float(missed.max() / parts.values.abs().max()),
        "features that fire only where sequences repeat": float(chosen.sum()),
        "share of their firing at repeats, other sequences": float(precision[kept].mean())
        if bool(kept.any())
        else 0.0,
        "share of repeated steps on which they fire": float(rate[kept].mean())
        if bool(kept.any())
        else 0.0,
        "share of the largest head, mean over them": float(shares[chosen].amax(1).mean())
        if bool(chosen.any())
        else 0.0,
        "share of the largest head, mean over features": float(shares.amax(1).mean()),
    }


def _firing(
    code: Float[Tensor, "rows width"], least: Float[Tensor, " width"], is_repeat: Tensor
) -> tuple[Float[Tensor, " width"], Float[Tensor, " width"]]:
    """Share of repeated steps on which each feature fires, and of its firing that is there."""
    fires = ((code > least) & (code > 0)).float()
    inside, all_rows = fires[is_repeat].sum(0), fires.sum(0)
    return inside / is_repeat.sum(), inside / all_rows.clamp_min(1)


def _sequences(
    count: int, repeated: bool, rng: np.random.Generator
) -> Int[Tensor, "sequences time"]:
    """Random tokens; the second half is the first one again, or others."""
    tokens = torch.from_numpy(rng.integers(*VOCABULARY, (count, 2 * HALF)))
    if repeated:
        tokens[:, HALF:] = tokens[:, :HALF]
    return tokens


@cache
def _sentences() -> Float[Tensor, "rows d"]:
    """Head outputs on labelled sentences, but at first tokens."""
    model = _model()
    texts = [tokens_of(str(one.text), model)[0] for one in labelled_sentences(SENTENCES)]
    tokens = torch.stack([one[:SENTENCE] for one in texts if len(one) >= SENTENCE])
    tokens = tokens[: len(tokens) // BATCH * BATCH]
    return torch.cat([_activations(one)[:, 1:].flatten(0, 1) for one in tokens.split(BATCH)])


@torch.no_grad()
def _activations(tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time d"]:
    keywords = {"input_ids": tokens, "use_cache": False}
    with _recorder() as recorder:
        return recorder.run((), keywords, *tokens.shape)[SITE]


@cache
def _recorder() -> Recorder:
    """One for all passes, so that those of a shape that ran once stop at the site."""
    return Recorder(_model().model.get_submodule("model"), SITE)


@cache
def _model() -> LoadedModel:
    return english_model()
