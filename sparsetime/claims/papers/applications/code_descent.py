"""Steering by descent in code space: queries moved towards examples of a style."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.sentence_steering import (
    labelled_texts,
    pooled_means,
    review_prompts,
    sentiment_judge,
)
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.compare_arms import compare_arms
from sparsetime.steering.arms.steering_arm import SteeringArm, mean_difference_arm
from sparsetime.steering.code_descent import code_descent, decoded_change
from sparsetime.steering.prompts import tokens_of
from sparsetime.testbeds.sentences.texts import REVIEWS

SITE = "model.layers.14"
WIDTH, K, ROWS = 1152, 32, 40_000
NEAREST, DESCENT, RATE = 32, 20, 0.1
DOSES, LIMIT, STEPS = (0.3, 0.6), 1.5, 14
PROMPTS = 12


@claim(
    "code_descent",
    system=140,
    says="Moving each query's code towards positive examples by gradient descent makes its "
    "continuation more positive, by a held-out classifier, than no steering and than the "
    "difference of means does; the perplexity of each is reported.",
    data="SmolLM2-135M-Instruct in 4 bits, layer 14 of 30; the style is positive sentiment; "
    "the judge is a classifier of MiniLM's embeddings, fitted on other reviews",
    expects=[
        Less("style, plain", than="style, descent"),
        Less("style, mean difference", than="style, descent"),
    ],
    seconds=90,
    rule="A held-out style classifier places steered small-LM text nearer the target than "
    "unsteered and mean-difference steering, with perplexity cost reported.",
    notes="The paper's target is the cognitive complexity of feedback. Doses are chosen on half of "
    "the prompts, under one bound of perplexity, and reported on the others.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Prompts such as "The plot of this film"; continuations of 14 tokens, the most likely ones."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the labels of the examples are permuted."""
    rows = lab.sentences(SITE)
    model = rows.bed.model
    assert model is not None
    rng = seeds.numpy_generator(seed, "random choice")
    sae = dictionary("topk", d_in=rows.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, rows.train, rows=ROWS, seed=seed)
    texts = labelled_texts(rows.train_store)
    which = texts.of(REVIEWS)
    is_target = texts.label[which] == "1"
    if permuted:
        is_target = rng.permutation(is_target)
    examples = torch.from_numpy(pooled_means(texts, sae, which[is_target])).float()

    def descended(prompt: str) -> Float[Tensor, " d"]:
        before = _code(model, sae, prompt)
        after = code_descent(before, examples, nearest=NEAREST, steps=DESCENT, rate=RATE)
        return decoded_change(sae, before, after)[0]

    compared = compare_arms(
        model,
        SITE,
        [
            SteeringArm("descent", descended, signs=(1,)),
            mean_difference_arm(
                texts.rows_of(which[is_target]), texts.rows_of(which[~is_target]), signs=(1,)
            ),
        ],
        review_prompts(PROMPTS, rng),
        sentiment_judge(rows),
        spread=float(sae.normalisation.scale),
        doses=DOSES,
        limit=LIMIT,
        steps=STEPS,
        seed=seed,
    )
    return {
        f"{what}, {name}": value
        for name, score in compared.scores.items()
        for what, value in (
            ("style", score.target.value),
            ("perplexity", score.perplexity),
            ("dose", score.dose),
        )
    }


@torch.no_grad()
def _code(model: LoadedModel, sae: Dictionary, prompt: str) -> Float[Tensor, "1 width"]:
    """The mean code of a prompt, without its first token."""
    with recording(model.model, SITE) as activations:
        model.model(input_ids=tokens_of(prompt, model), use_cache=False)
    return sae.encode(activations[SITE][0, 1:]).dense().mean(0, keepdim=True)
