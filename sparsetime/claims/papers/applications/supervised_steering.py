"""SAE-SSV: sentiment moved by a direction learnt within a few chosen features."""

import numpy as np
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.sentence_steering import (
    labelled_texts,
    pooled_means,
    review_prompts,
    sentiment_judge,
)
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.arm_texts import by_length
from sparsetime.steering.arms.compare_arms import compare_arms
from sparsetime.steering.arms.steering_arm import (
    SteeringArm,
    mean_difference_arm,
    random_feature_arms,
)
from sparsetime.steering.prompts import tokens_of
from sparsetime.steering.supervised_direction import supervised_direction
from sparsetime.testbeds.sentences.texts import REVIEWS

SITE = "model.layers.14"
WIDTH, K, ROWS = 1152, 32, 40_000
COUNT, LEARNING, BATCH = 32, 8, 6  # features; steps and texts of the descent
DOSES, LIMIT, STEPS, NULLS = (0.3, 0.6), 1.5, 14, 2
PROMPTS = 12


@claim(
    "supervised_steering",
    system=186,
    says="A direction learnt within 32 features that a linear classifier chose makes continuations "
    "more positive than the difference of means does at one bound of perplexity.",
    data="SmolLM2-135M-Instruct in 4 bits, layer 14 of 30; reviews of sae-probes choose and learn; "
    "the judge is a classifier of MiniLM's embeddings, fitted on other reviews",
    expects=[
        Less("sentiment, plain", than="sentiment, supervised"),
        Less("sentiment, mean difference", than="sentiment, supervised"),
    ],
    seconds=90,
    rule="Supervised vectors in the chosen dimensions move sentiment more than mean-difference "
    "steering at matched perplexity on a small LM.",
    notes="Doses are chosen on half of the prompts, under one bound of perplexity, and reported on "
    "the others. The opposite sentiment, truthfulness and politics are not checked.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Prompts such as "The plot of this film"; continuations of 14 tokens, the most likely ones."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the labels of the texts that choose and learn are permuted."""
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
    codes = pooled_means(texts, sae, which)
    own, others = (
        _batches(model, [texts.texts[one] for one in which[is_target == kind]], rng)
        for kind in (True, False)
    )
    learnt = supervised_direction(
        model, SITE, sae, codes, is_target, (own, others), count=COUNT, steps=LEARNING
    )
    density = np.asarray(lab.density(sae, rows.tuning))
    arms = [
        SteeringArm("supervised", learnt.direction),
        mean_difference_arm(texts.rows_of(which[is_target]), texts.rows_of(which[~is_target])),
        *random_feature_arms(
            sae, density, learnt.features.tolist(), NULLS, "supervised", seed, signs=(1,)
        ),
    ]
    compared = compare_arms(
        model,
        SITE,
        arms,
        review_prompts(PROMPTS, rng),
        sentiment_judge(rows),
        spread=float(sae.normalisation.scale),
        doses=DOSES,
        limit=LIMIT,
        steps=STEPS,
        seed=seed,
    )
    values: dict[str, float] = {}
    for name, score in compared.scores.items():
        shown = "random features" if name.startswith("random") else name
        for what, value in (
            ("sentiment", score.target.value),
            ("perplexity", score.perplexity),
            ("dose", score.dose),
        ):
            key = f"{what}, {shown}"
            values[key] = values.get(key, 0.0) + value / (NULLS if "random" in shown else 1)
    values["features"] = float(len(learnt.features))
    return values


def _batches(model: LoadedModel, texts: list[str], rng: np.random.Generator) -> list[Tensor]:
    """Batches of texts of one length, at most 24 tokens, in random order."""
    rows = [tokens_of(text, model)[0] for text in texts]
    short = [row for row in rows if 6 <= len(row) <= 24]
    batches = [
        part for _, tokens in by_length(short) for part in tokens.split(BATCH) if len(part) == BATCH
    ]
    return [batches[place] for place in rng.permutation(len(batches))]
