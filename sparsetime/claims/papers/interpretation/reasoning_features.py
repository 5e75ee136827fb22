"""ReasonScore: features that fire near words of reasoning, and which words raising them brings."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.sentence_steering import (
    MASSIVE,
    neutral_prompts,
    sentence_texts,
    spread_of,
    steered_model,
    usual_rows,
)
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.compare_arms import PLAIN, compare_arms
from sparsetime.steering.arms.steering_arm import feature_arm, random_feature_arms
from sparsetime.steering.arms.word_judge import WordJudge
from sparsetime.steering.null_features import features_of_equal_density
from sparsetime.steering.vocabulary_features import near_words, vocabulary_scores

SITE = "model.layers.14"
WIDTH, K, ROWS = 2304, 32, 40_000
WORDS = ("because", "so", "if", "but", "when", "while", "then", "since", "though", "or")
FEATURES, NULLS, DRAWN = 8, 3, 64
PROMPTS, STEPS = 24, 16
DOSES, LIMIT = (0.25, 0.4), 1.6


@claim(
    "reasoning_features",
    system=208,
    says="Of their activation on held-out texts, the eight features of highest ReasonScore have "
    "more near the words of reasoning than features as dense, and raising them makes the model "
    "write such words more often than raising random features of equal norm.",
    data="a proxy: connectives such as because, if and but in sentences of sae-probes stand for "
    "reasoning traces; SmolLM2-135M-Instruct, no reasoning model, layer 14 of 30, continuing 12 "
    "held-out beginnings in bfloat16",
    expects=[
        Less("near the words, random", than="near the words, ranked"),
        Less("words written, random", than="words written, ranked"),
    ],
    seconds=90,
    rule="Features ranked by ReasonScore on reasoning traces fire near that vocabulary, and "
    "amplifying them makes such words more frequent than random features.",
    notes="Near: from two tokens before a word to three behind it. Words written: their share of "
    "the words of a continuation, at the better of two doses. Three draws of random features. On "
    "the tuning seeds the features fired near the words five times as much as others, and raising "
    "them brought no more of the words: one, three or eight features, doses from .25 to 1, windows "
    "that end at the word, and sampled texts made no difference.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Half of 24 beginnings choose doses, the others are reported."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which scores are permuted among the features that fire."""
    rng = seeds.numpy_generator(seed, "random choice")
    splits = lab.sentences(SITE)
    model = steered_model(splits)
    sae = dictionary("topk", d_in=splits.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, splits.train_store, rows=ROWS, seed=seed, exclude_norm=MASSIVE)
    rows, word = _rows_near_words(splits.train_store, model)
    code = sae.encode(rows)
    scores = vocabulary_scores(code, word)
    density = np.bincount(code.indices.numpy(), minlength=WIDTH) / code.rows
    if permuted:
        firing = np.flatnonzero(density > 0)
        scores[firing] = scores[rng.permutation(firing)]
    best = np.argsort(-scores, kind="stable")[:FEATURES]
    drawn = features_of_equal_density(density, tuple(best.tolist()), DRAWN, seed)
    near = _share_near(sae, *_rows_near_words(splits.held_out_store, model))
    weights = {int(one): 1.0 for one in best}
    compared = compare_arms(
        model,
        SITE,
        [
            feature_arm(sae, weights, name="ranked", signs=(1,)),
            *random_feature_arms(
                sae, density, best.tolist(), NULLS, equal_norm_of="ranked", seed=seed, signs=(1,)
            ),
        ],
        neutral_prompts(PROMPTS, rng),
        WordJudge.of_words(WORDS),
        spread=spread_of(sentence_texts(splits).rows),
        doses=DOSES,
        limit=LIMIT,
        steps=STEPS,
        seed=seed,
    )
    nulls = [compared.scores[name] for name in compared.nulls["ranked"]]
    own = compared.scores["ranked"]
    return {
        "near the words, ranked": float(np.nanmean(near[best])),
        "near the words, random": float(np.nanmean(near[drawn])),
        "near the words, rows": float((word >= 0).mean()),
        "words written, plain": compared.scores[PLAIN].target.value,
        "words written, ranked": own.target.value,
        "words written, random": float(np.mean([one.target.value for one in nulls])),
        "perplexity, ranked": own.perplexity,
        "perplexity, random": float(np.mean([one.perplexity for one in nulls])),
        "dose": own.dose,
        "rank among random": compared.rank("ranked"),
    }


def _rows_near_words(
    store: Store, model: LoadedModel
) -> tuple[Float[Tensor, "rows d"], Int[np.ndarray, " rows"]]:
    """Rows but the first of each text and massive ones, and the number of the word near each."""
    assert model.tokenizer is not None  # of the testbed
    token = store.steps(["token"])["token"].to_numpy()
    numbers = {text: number for number, text in enumerate(WORDS)}
    of_token = {
        one: numbers.get(str(model.tokenizer.decode([one])).strip().lower(), -1)
        for one in np.unique(token).tolist()
    }
    word = np.array([of_token[one] for one in token.tolist()])
    near = near_words(word, store.segments.numpy_lengths)
    rows = store.read(0, len(store)).float()
    kept = usual_rows(rows)
    return rows[kept], near[kept.numpy()]


def _share_near(
    sae: Dictionary, rows: Float[Tensor, "rows d"], word: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " width"]:
    """Share of each feature's activation that is near a word; NaN where it never fires."""
    code = sae.encode(rows)
    near = torch.from_numpy(word >= 0)[code.row_of_entry].double()
    sums = torch.zeros(2, sae.width, dtype=torch.float64)
    sums[0].index_add_(0, code.indices, code.values.double() * near)
    sums[1].index_add_(0, code.indices, code.values.double())
    return np.asarray((sums[0] / sums[1]).numpy())
