"""Input and output scores: which features steer, and how many score high on both."""

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.load import LoadedModel
from sparsetime.steering.feature_scores import feature_scores
from sparsetime.steering.null_features import strength_of_norm
from sparsetime.steering.steer import steer

SITE = "model.layers.2"
WIDTH, K, ROWS = 768, 16, 30_000
FEATURES, PROMPTS, PROMPT, STEPS = 60, 8, 24, 16
DOSE, SHARE, HIGH_INPUT, MOMENTS = 1.0, 0.75, 0.5, 32


@claim(
    "output_scores",
    system=221,
    says="Steering with the quarter of features of highest output score brings a feature's own "
    "tokens into the text more often than steering with all of them, and at most a tenth of the "
    "features also has an input score of at least one half.",
    data="the Python-source model, layer 2 of 4; prompts of held-out documents",
    expects=[
        Less("success, all", than="success, high output score"),
        AtMost("share high on both", than=0.1),
    ],
    seconds=60,
    rule="Steering with high-output-score features succeeds more often than with unfiltered ones; "
    "few features score high on both measures.",
    notes="A feature's own tokens are those at and right behind its largest activations on other "
    "documents. Success: the steered continuation has more of them than the plain one. Counted by "
    "whether the feature fires on the continuation, high output scores succeeded less often.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Sixty random features that fire on at least 32 steps."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the output scores of features are permuted."""
    code = lab.code(SITE)
    model = code.bed.model
    assert model is not None
    sae = dictionary("topk", d_in=code.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, code.train, rows=ROWS, seed=seed)
    rng = seeds.numpy_generator(seed, "random choice")
    tuning = token_windows(code.tuning_store, PROMPT)
    density = lab.density(sae, code.tuning)
    firing = np.flatnonzero(np.asarray(density) * len(code.tuning) >= 64)
    chosen = np.sort(rng.choice(firing, FEATURES, replace=False))
    scores = feature_scores(
        model,
        {SITE: sae},
        tuning,
        chosen.tolist(),
        prompts=tuning[rng.choice(len(tuning), 2 * PROMPTS, replace=False)],
        dose=DOSE,
        window=PROMPT,
        windows=1024,
        progress=False,
    )
    output = rng.permutation(scores.output) if permuted else scores.output
    held_out = token_windows(code.held_out_store, PROMPT)
    prompts = held_out[rng.choice(len(held_out), PROMPTS, replace=False)]
    success = _success(model, sae, chosen, _concepts(code, sae, chosen), prompts)
    high = output >= np.quantile(output, SHARE)
    high_input = scores.input >= HIGH_INPUT
    return {
        "success, all": float(success.mean()),
        "success, high output score": float(success[high].mean()),
        "success, low output score": float(success[~high].mean()),
        "share high on both": float((high & high_input).mean()),
        "median output score": float(np.median(scores.output)),
        "share of high input score": float(high_input.mean()),
    }


def _concepts(
    code: Splits, sae: Dictionary, features: Int[np.ndarray, " features"]
) -> list[Int[np.ndarray, " tokens"]]:
    """The tokens at and right behind each feature's 32 largest activations on tuning documents."""
    token = code.tuning_store.steps(["token"])["token"].to_numpy()
    made = sae.encode(code.tuning)
    feature, value = made.indices.numpy(), made.values.numpy()
    row = made.row_of_entry.numpy()
    concepts = []
    for number in features.tolist():
        own = np.flatnonzero(feature == number)
        at = row[own[np.argsort(-value[own], kind="stable")[:MOMENTS]]]
        concepts.append(np.unique(token[np.concatenate([at, np.minimum(at + 1, len(token) - 1)])]))
    return concepts


def _success(
    model: LoadedModel,
    sae: Dictionary,
    features: Int[np.ndarray, " features"],
    concepts: list[Int[np.ndarray, " tokens"]],
    prompts: Int[Tensor, "prompts time"],
) -> Float[np.ndarray, " features"]:
    """Share of prompts whose steered text has more of the feature's tokens than the plain one."""
    plain = steer(model, {SITE: sae}, {SITE: {}}).generate(prompts, STEPS).tokens[:, PROMPT:]
    norm = DOSE * float(sae.output_normalisation.scale.mean())
    success = np.zeros(len(features))
    for place, number in enumerate(features.tolist()):
        edit = {number: strength_of_norm(sae, number, norm)}
        run = steer(model, {SITE: sae}, {SITE: edit}, units="activation")
        written = run.generate(prompts, STEPS).tokens[:, PROMPT:]
        more, less = (np.isin(one.numpy(), concepts[place]).mean(1) for one in (written, plain))
        success[place] = (more > less).mean()
    return success
