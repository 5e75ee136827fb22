"""SAIF: latents of an instruction, found from its wordings, make a model follow it unasked."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.sentence_steering import sentence_texts, spread_of, steered_model
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.chat_template import chat_text
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.compare_arms import PLAIN, compare_arms
from sparsetime.steering.arms.steering_arm import feature_arm, random_feature_arms
from sparsetime.testbeds.instructions.format_instructions import (
    TOPICS,
    FormatInstruction,
    format_instruction,
    request,
)

SITE = "model.layers.14"
WIDTH, K, ROWS, REPEATS = 2304, 32, 40_000, 4
INSTRUCTION, LATENTS, NULLS = "list", 12, 2
STATES = 5  # at the end of a prompt, where the answer begins
ASKED, WORDINGS, PROMPTS, STEPS = 6, 2, 16, 20
DOSES, LIMIT = (0.6, 0.8), 6.0


@claim(
    "instruction_steering",
    system=178,
    says="Raising 12 latents found from wordings of 'answer with a list' makes the model answer "
    "with a list where it is not asked to, more often than raising random latents of equal norm.",
    data="a proxy: SmolLM2-135M-Instruct with weights of 4 bits, in bfloat16, layer 14 of 30; "
    "requests about 8 held-out topics; one instruction of form",
    expects=[
        Less("compliance, random", than="compliance, latents"),
        Less("compliance, plain", than="compliance, latents"),
    ],
    seconds=90,
    rule="Latents picked from instruction variants raise compliance of a small instruct model over "
    "equal-norm random latents.",
    notes="Latents are those whose mean over the last five tokens of a prompt rises most when the "
    "instruction stands behind the request. A text complies if a line of it is an item. The dose "
    "is the better of two within six times the plain perplexity. Two draws of random latents. "
    "Asked in words, the model complies in three of eight answers; on the tuning seed steering "
    "made it comply in none to three of eight.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Latents, doses and results are of different topics."""
    return _values(lab, seed)


def _values(
    lab: Lab, seed: int, permuted: bool = False, instruction: str = INSTRUCTION
) -> dict[str, float]:
    """permuted: the null, in which rises are permuted among the latents that fire on prompts."""
    rng = seeds.numpy_generator(seed, "random choice")
    splits = lab.sentences(SITE)
    texts, model = sentence_texts(splits), steered_model(splits)
    one = format_instruction(instruction)
    topics = [str(topic) for topic in rng.permutation(TOPICS)]
    without = torch.cat([_states(model, request(topic)) for topic in topics[:ASKED]])
    wordings = _wordings(one, topics[:ASKED], rng)
    asked = torch.cat([_states(model, prompt) for prompt in wordings])
    rows = torch.cat([texts.rows, *[without, asked] * REPEATS])
    sae = dictionary("topk", d_in=splits.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, rows, rows=ROWS, seed=seed)
    rise = sae.encode(asked).dense().mean(0) - sae.encode(without).dense().mean(0)
    change = rise.numpy()
    if permuted:
        firing = np.flatnonzero(change)
        change[firing] = change[rng.permutation(firing)]
    best = np.argsort(-change, kind="stable")[:LATENTS]
    density = np.asarray(lab.density(sae, rows[-20_000:]))
    compared = compare_arms(
        model,
        SITE,
        [
            feature_arm(
                sae, {int(at): float(change[at]) for at in best}, name="latents", signs=(1,)
            ),
            *random_feature_arms(
                sae, density, best.tolist(), NULLS, equal_norm_of="latents", seed=seed, signs=(1,)
            ),
        ],
        [_chat(model, request(topic)) for topic in topics[ASKED : ASKED + PROMPTS]],
        one.complies,
        spread=spread_of(texts.rows),
        doses=DOSES,
        limit=LIMIT,
        steps=STEPS,
        seed=seed,
    )
    own = compared.scores["latents"]
    nulls = [compared.scores[name] for name in compared.nulls["latents"]]
    return {
        "compliance, plain": compared.scores[PLAIN].target.value,
        "compliance, latents": own.target.value,
        "compliance, random": float(np.mean([null.target.value for null in nulls])),
        "perplexity, latents": own.perplexity,
        "perplexity, random": float(np.mean([null.perplexity for null in nulls])),
        "dose": own.dose,
    }


def _wordings(one: FormatInstruction, topics: list[str], rng: np.random.Generator) -> list[str]:
    """Requests with the instruction in some of its wordings."""
    return [
        request(topic, str(wording))
        for topic in topics
        for wording in rng.choice(one.wordings, WORDINGS, replace=False)
    ]


def _chat(model: LoadedModel, asked: str) -> str:
    return chat_text(model, [{"role": "user", "content": asked}], reply=True).text


def _states(model: LoadedModel, asked: str) -> Float[Tensor, "states d"]:
    """Activations of the last tokens of a prompt, in which the answer begins."""
    assert model.tokenizer is not None  # it has a chat template
    tokens = torch.tensor(
        [model.tokenizer(_chat(model, asked), add_special_tokens=False).input_ids]
    )
    with torch.no_grad(), recording(model.model, SITE) as activations:
        model.model(tokens)
    return activations[SITE][0, -STATES:].float()
