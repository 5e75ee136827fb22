"""Sparse feature circuits and SHIFT: agreement by few latents, and spurious latents ablated."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.circuits.faithfulness import faithfulness
from sparsetime.circuits.shift import classifier_effects, latents_of_label, shift
from sparsetime.circuits.targets import logit_difference
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.english.pretrained import english_model
from sparsetime.testbeds.tasks.task import task_prompts
from sparsetime.testbeds.testbed import testbed

SITE, CODE_SITE = "model.layers.10", "model.layers.1"
WIDTH, K, ROWS = 768, 32, 25_000
CODE_WIDTH, CODE_K, CODE_ROWS = 256, 16, 25_000
PROMPTS, SIZE = 5, 100
TARGET, SPURIOUS, DEPTH = "in_string", "indentation_depth", 2
GROUP_ROWS, TESTED, EFFECTS, LEAST = 2_000, 800, 256, 0.05


@claim(
    "sparse_feature_circuits",
    system=187,
    says="A hundred latents recover most of what the number of the subject changes in the verb's "
    "logits, more than as many neurons; ablating latents of a spurious property raises the worst "
    "group's accuracy more than ablating random latents does.",
    data="SmolLM2 layer 10, prompts of agreement past an attractor; SHIFT on the Python-source "
    "model, layer 1: tokens in strings, in training two levels deep or deeper, against others",
    expects=[
        AtLeast("recovered by latents", than=0.5),
        Less("recovered by neurons", than="recovered by latents"),
        Less("worst group, as trained", than="worst group, spurious latents ablated"),
        Less("worst group, random latents ablated", than="worst group, spurious latents ablated"),
    ],
    seconds=85,
    rule="Small subject-verb agreement circuits recover most of the logit difference; ablating "
    "chosen spurious features raises worst-group accuracy.",
    notes="A proxy: one layer in the place of all, other inputs in the place of means, and tokens "
    "of Python in the place of biographies. Errors of the dictionary are held at the corrupted "
    "prompt's, so that latents alone recover. A label stands for the human judge: latents with "
    "the largest effects on the classifier that go with the spurious property on other documents, "
    "where both properties are as they come.",
    null=lambda lab, seed: _values(lab, seed, trained=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Two TopK dictionaries, one for each part."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, trained: bool = True) -> dict[str, float]:
    """trained: False for the null, with dictionaries whose atoms are random."""
    return {**_agreement(lab, seed, trained), **_shift(lab, seed, trained)}


def _agreement(lab: Lab, seed: int, trained: bool) -> dict[str, float]:
    model = _model()
    store = testbed("english", progress=False).store
    sae = dictionary("topk", d_in=store.d, width=WIDTH, k=K, seed=seed)
    if trained:
        lab.train(sae, store, rows=ROWS, seed=seed)
    sae.provenance.clear()
    found: dict[str, list[float]] = {"latents": [], "neurons": []}
    for prompt in task_prompts("agreement", 2 * PROMPTS, "held_out", seed):
        tokens = prompt.tokens(model.tokenizer)
        if not tokens.is_aligned or len(found["latents"]) == PROMPTS:
            continue
        metric = logit_difference(int(tokens.answers[0]), int(tokens.wrong[0]))
        for name, basis in (("latents", sae), ("neurons", None)):
            one = faithfulness(
                model, {SITE: basis}, tokens.clean, tokens.corrupted, metric, (SIZE,),
                method="gradient", errors=False,
            )  # fmt: skip
            found[name].append(one.recovered[0])
    return {f"recovered by {name}": float(np.median(shares)) for name, shares in found.items()}


def _shift(lab: Lab, seed: int, trained: bool) -> dict[str, float]:
    code = lab.code(CODE_SITE)
    sae = dictionary("topk", d_in=code.d, width=CODE_WIDTH, k=CODE_K, seed=seed)
    if trained:
        lab.train(sae, code.train, rows=CODE_ROWS, seed=seed)
    x, target, spurious = _rows(lab)
    rng = seeds.numpy_generator(seed, "random choice")
    order = rng.permutation(len(x))
    half = len(x) // 2
    fit, test = order[:half], order[half:]
    training = _drawn(fit, [target & spurious, ~target & ~spurious], GROUP_ROWS)
    cases = [target & spurious, target & ~spurious, ~target & spurious, ~target & ~spurious]
    tested = _drawn(test, cases, TESTED)
    groups = [f"{target[row]} {spurious[row]}" for row in tested]
    natural = _natural(code)
    effects = classifier_effects(sae, x[training], target[training])
    among = np.argsort(-np.abs(effects), kind="stable")[:EFFECTS]
    judged = latents_of_label(sae, natural[0], natural[1], among.tolist(), LEAST)
    random = rng.permutation(among)[: len(judged)]
    values = {"latents judged spurious": float(len(judged))}
    for name, ablated in (("spurious", judged), ("random", random)):
        found = shift(
            sae, x[training], target[training], x[tested], target[tested], groups, ablated.tolist()
        )
        values["worst group, as trained"] = found.trained.worst
        values[f"worst group, {name} latents ablated"] = found.with_ablation.worst
        values[f"worst group, {name} latents ablated and trained again"] = found.retrained.worst
        values[f"accuracy, {name} latents ablated"] = found.with_ablation.mean
    return values


def _drawn(order: np.ndarray, cases: list[np.ndarray], count: int) -> np.ndarray:
    """As many rows of each case, in the order."""
    sizes = [int(case[order].sum()) for case in cases]
    return np.concatenate([order[case[order]][: min(count, *sizes)] for case in cases])


@cache
def _rows(lab: Lab) -> tuple[Tensor, Bool[np.ndarray, " rows"], Bool[np.ndarray, " rows"]]:
    """Rows of held-out and tuning documents, with both properties."""
    code = lab.code(CODE_SITE)
    stores = (code.tuning_store, code.held_out_store)
    parts = [_labels(store) for store in stores]
    x = torch.cat([store.read(0, len(store)).float() for store in stores])
    target, spurious = (np.concatenate([part[n] for part in parts]) for n in (0, 1))
    return x, target, spurious


@cache
def _natural(code: Splits) -> tuple[Tensor, Bool[np.ndarray, " rows"]]:
    """Rows of training documents and whether each has the spurious property."""
    some = code.train_store.of_sequences(np.arange(40))
    return some.read(0, len(some)).float(), _labels(some)[1]


def _labels(store: Store) -> tuple[np.ndarray, np.ndarray]:
    table = store.steps([TARGET, SPURIOUS])
    return (
        np.array(table[TARGET].to_pylist(), dtype=bool),
        np.array([(one or 0) >= DEPTH for one in table[SPURIOUS].to_pylist()], dtype=bool),
    )


@cache
def _model() -> LoadedModel:
    return english_model()
