"""Golden numbers of what the claims measure with: the lab's tools, metrics, shipped models.

`python tests/golden/record_claim_tools.py` records them again, where a change of arithmetic is
meant, and `python tests/golden/ship.py` then writes the summary that the package carries. Keys are
as `sparsetime.claims.verdicts.fingerprint.names_used` derives them; values are numbers by name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from attention import zoo
from golden import record
from golden.moments_numbers import moments
from golden.pretraining_numbers import pretraining
from golden.retrieval_numbers import retrieval
from small_store import write_store

from sparsetime import seeds
from sparsetime.attention.draft import generate_by_drafts
from sparsetime.attention.heads import copy_scores
from sparsetime.attention.remainders.held_keys import HeldKeys
from sparsetime.circuits.head_effects import head_effects
from sparsetime.circuits.path_effects import path_effects
from sparsetime.circuits.targets import logit_difference
from sparsetime.claims.lab import (
    best_single_feature,
    code_changes,
    in_context_regression,
    nearest_centroid,
    planted_functions,
    steps_to_recovery,
)
from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.lab.match_l0 import search_coefficient
from sparsetime.claims.lab.net_training import accuracy, mean_loss, train_net
from sparsetime.claims.lab.splits import Splits
from sparsetime.computation.bounded_sparsity import bounded_sparsity
from sparsetime.computation.cost import cost
from sparsetime.computation.knee import knee
from sparsetime.computation.output_errors import output_errors
from sparsetime.computation.sparsify import sparsify
from sparsetime.metrics.absorption import absorption, fit_concept_probe, main_latents
from sparsetime.metrics.ce_increase import ce_increase
from sparsetime.metrics.distance_laws import distance_laws
from sparsetime.metrics.monosemanticity import monosemanticity
from sparsetime.testbeds import base
from sparsetime.testbeds.atom_recovery import recovery
from sparsetime.testbeds.character_lm.model import character_lm
from sparsetime.testbeds.digits.data import digits

FILE = record.FOLDER / "claim_tools.json"


def squares(x: torch.Tensor) -> float:
    return x.double().square().sum().item()


def trained(lab: Lab, x: torch.Tensor):
    return lab.train(record.made("topk"), x, rows=2000, seed=0)


def golden(folder: Path) -> dict[str, dict[str, float]]:
    """All numbers; `folder` is for a small store."""
    lab = Lab()
    planted = lab.planted(0, sequences=5, time=60)
    x = record.planted(600, slow=True)
    sae = trained(lab, x)
    atoms = sae.atoms.detach()
    stages = lab.train_with_snapshots(record.made("topk"), x, rows=1000, seed=0, snapshots=2)
    return {
        "lab.planted": {
            "train": squares(planted.train),
            "held_out": squares(planted.held_out),
            "code": squares(planted.held_out_code.values),
            "atoms": planted.atoms.double().sum().item(),
        },
        "lab.train": {"atoms": atoms.double().abs().sum().item(), "fvu": lab.fvu(sae, x)},
        "lab.train_with_snapshots": {str(rows): lab.fvu(one, x) for rows, one in stages.items()},
        "lab.fvu": {"fvu": lab.fvu(sae, x), "of_target": lab.fvu(sae, x, x.flip(0))},
        "lab.l0": {"l0": lab.l0(sae, x)},
        "lab.density": {"squares": squares(lab.density(sae, x))},
        "lab.dead_share": {"dead": lab.dead_share(sae, x[:20])},
        "lab.match_l0": {"coefficient": search_coefficient(lambda c: 4 / c, 32, 0.01, 1.0)},
        **splits(folder),
        **language_model(),
        **with_labels(sae, x),
        "testbeds.atom_recovery": {
            "cosine": recovery(atoms, atoms + 0.2 * atoms.flip(0)).cosine.double().sum().item()
        },
        "metrics.distance_laws": laws(x),
        "claims.lab.code_changes": changes(sae, x),
        "claims.lab.planted_functions": functions(),
        "claims.lab.steps_to_recovery": recovered(),
        "claims.lab.in_context_regression": regression(),
        **heads(),
        **policies(),
        **sequence_models(),
        **sparse_computation(),
        **pretraining(),
        **moments(),
        **retrieval(),
    }


def splits(folder: Path) -> dict[str, dict[str, float]]:
    store = write_store(folder / "activations", [3, 5, 1, 4, 6, 2, 4, 3])
    rows = Splits.by_document(base.Testbed("toy", store, ()))
    parts = {name: getattr(rows, name) for name in ("train", "tuning", "held_out")}
    sums = {name: part.double().sum().item() for name, part in parts.items()}
    series = weights("series")
    return {
        "lab.real": sums,
        "lab.code": {**sums, **weights("python_code")},
        "lab.series": {**sums, **series},
        "claims.lab.splits": {**sums, "pairs": squares(rows.train_pairs)},
    }


def weights(bed: str) -> dict[str, float]:
    from safetensors.torch import load_file

    folder = Path(record.st.__file__).parent / "testbeds" / bed / "weights"
    tensors = load_file(folder / "model.safetensors")
    return {"weights": sum(one.double().abs().sum().item() for one in tensors.values())}


def language_model() -> dict[str, dict[str, float]]:
    """The language model of Python with a random dictionary in one layer's place."""
    from sparsetime.testbeds.python_code.pretrained import code_model

    model, site = code_model().model, "model.layers.1"
    tokens = torch.randint(1, 500, (2, 24), generator=seeds.torch_generator(0, "random tokens"))
    d = model.config.hidden_size
    dictionary = record.st.dictionary("topk", d_in=d, width=64, k=8)
    rise = ce_increase(model, dictionary, tokens, site).value
    return {
        "metrics.ce_increase": {"rise": rise},
        "claims.lab.ce_increase_by_recipe": {"rise": rise},
        "testbeds.python_code.pretrained": weights("python_code"),
    }


def with_labels(sae, x: torch.Tensor) -> dict[str, dict[str, float]]:
    concept = x[:, 0] > x[:, 0].quantile(0.7)
    labels = (x[:, :2] > x[:, :2].median(0).values).long() @ torch.tensor([1, 2])
    code = sae.encode(x).dense()
    documents = torch.arange(len(x)) // 50
    nested = nearest_centroid.classes_within(labels, documents)
    areas = best_single_feature.auroc_per_feature(code, concept[:, None])
    best = best_single_feature.best_single_feature_auroc(
        code[:300], concept[:300, None], code[300:], concept[300:, None]
    )
    main = main_latents(sae, x, concept)
    absorbed = absorption(sae, fit_concept_probe(x, concept), main, x, concept)
    score = monosemanticity(code[:300], concept[:300], code[300:], concept[300:])
    return {
        "claims.lab.nearest_centroid": {
            "accuracy": nearest_centroid.nearest_centroid_accuracy(code, labels),
            "cosine": nearest_centroid.neighbour_cosine(code, documents),
            "classes": float(nested.sum()),
        },
        "claims.lab.best_single_feature": {"areas": squares(areas), "best": float(best[0])},
        "metrics.absorption": {"rate": absorbed.rate, "silent": absorbed.silent},
        "metrics.monosemanticity": {"score": score},
    }


def laws(x: torch.Tensor) -> dict[str, float]:
    found = distance_laws(x[:40], np.arange(40.0), 50.0)
    return {"linear": found.r2["linear"], "log": found.r2["log"]}


def changes(sae, x: torch.Tensor) -> dict[str, float]:
    measured = code_changes.code_changes(sae, [x[:100], x[100:150]])
    return {name: getattr(measured, name) for name in ("fvu", "l0", "flips", "changes")}


def functions() -> dict[str, float]:
    made = planted_functions.planted_functions(0, rows=50, width=6, modes=4, points=16)
    return {"rows": squares(made.rows(16)), "clean": squares(made.clean(32))}


def recovered() -> dict[str, float]:
    made = planted_functions.planted_functions(
        1, rows=1000, width=6, modes=4, active=1.0, noise=0.0, points=16
    )

    def make():
        return record.st.dictionary("sae_no", d_in=16, width=24, k=2, modes=4)

    steps = steps_to_recovery.steps_to_recover(
        make, made.rows(16), made.atoms(16), steps=(1, 40), share=0.5, seed=0
    )
    return {"steps": float(steps)}


def regression() -> dict[str, float]:
    model = in_context_regression.trained_regression(2, 0, steps=20, length=8)
    z, y = in_context_regression.regression_prompts(
        100, 8, seeds.torch_generator(0, "planted codes")
    )
    return {
        "error": in_context_regression.attention_error(model, z, y),
        "ridge": in_context_regression.ridge_error(z, y),
    }


def heads() -> dict[str, dict[str, float]]:
    """Effects of the heads of the language model of Python, along all paths and directly."""
    from sparsetime.testbeds.python_code.pretrained import code_model

    draw = seeds.torch_generator(0, "random tokens")
    tokens, other = torch.randint(1, 500, (2, 12), generator=draw)
    found = {}
    for name, effects in (("head_effects", head_effects), ("path_effects", path_effects)):
        table = effects(code_model(), tokens, other, logit_difference(5, 9)).table
        found[f"circuits.{name}"] = {"sizes": sum(abs(x) for x in table["effect"].to_pylist())}
    return found


def policies() -> dict[str, dict[str, float]]:
    """Pairs that every attention policy reads, and copy scores, of random queries and keys."""
    inputs = zoo.call(seed=3)
    pairs = {}
    for name in zoo.CARDS:
        policy = zoo.fitted(zoo.small(name), inputs)
        one = zoo.call(seed=3, causal=policy.causal is not False)
        pairs[name] = float(policy.choose(policy.layout.arranged(one)).pairs)
    sources = torch.arange(40).expand(2, 40) // 2
    scores = copy_scores([inputs], sources)
    held, zeros = HeldKeys(0.5).held(inputs.k)
    return {
        "attention.recipes": pairs,
        "attention.heads": {"scores": scores.sum().item()},
        "attention.remainders.held_keys": {"squares": squares(held), "zeros": zeros},
        "attention.draft": drafted(),
    }


def drafted() -> dict[str, float]:
    """Tokens that the Python-source model drafts with the top 4 keys, and those that it keeps."""
    from sparsetime.testbeds.python_code.pretrained import code_model

    policy = zoo.small("exact_top_k", keys=4)
    found = generate_by_drafts(code_model(), torch.arange(100, 120)[None], policy, 8, drafts=3)
    return {"tokens": float(found.tokens.sum()), "accepted": found.mean_accepted}


def sequence_models() -> dict[str, dict[str, float]]:
    """Every mixer on random symbols, the memory by each error, and a short training on recall."""
    from sparsetime.claims.lab.sequence_training import train_on_recall
    from sparsetime.kernels import Rates, associative_memory
    from sparsetime.registry import components_of
    from sparsetime.testbeds.recall.accuracy import recall_accuracy
    from sparsetime.testbeds.recall.model import fresh_model
    from sparsetime.testbeds.recall.settings import RecallSettings, RecallTask

    x = torch.randn(3, 1, 2, 20, 4, generator=seeds.torch_generator(0, "random inputs"))
    rates = Rates(x[0, ..., 0].sigmoid().log(), x[1, ..., 0].sigmoid())
    memory = {
        errors: squares(associative_memory(*x, rates, errors, None, 8).outputs)
        for errors in ("value", "chunk", "step")
    }
    tokens = torch.randint(1, 7, (2, 12), generator=seeds.torch_generator(0, "random tokens"))
    mixers = {}
    for kind, mixer in components_of("mixer").items():
        described = {"kind": kind, **mixer.example}
        model = record.st.compose_model("symbols", described, d=8, vocabulary=7)
        mixers[kind] = squares(model.encode(tokens) * torch.arange(8))
    task = RecallTask(length=32, pairs=2, keys=4, values=4, noise=4)
    settings = RecallSettings(task=task, steps=5, batch=8, d=8, mixer={"kind": "attention"})
    trained_model = train_on_recall(fresh_model(settings), settings)
    scores = recall_accuracy(trained_model, task, sequences=20)
    weights = sum(squares(p.detach()) for p in trained_model.parameters())
    return {
        "kernels.associative_memory": memory,
        "sequence_models.compose_model": mixers,
        "claims.lab.sequence_training": {"weights": weights, "recall": scores["accuracy"]},
    }


def sparse_computation() -> dict[str, dict[str, float]]:
    """Every plan on a small net, and what measures it."""
    x = record.planted(256)
    y = x[:, :4].argmax(1)
    plans = {}
    for card in record.st.recipes(kind="computation plan"):
        if "score" not in card.components:
            continue
        net = small_net()
        short = {"steps": 8, "until": 8, "every": 2}
        settings = {key: value for key, value in short.items() if key in card.defaults}
        sparsity = 0.75 if card.name == "bdwp" else 0.5
        sparse = sparsify(net, card.name, sparsity=sparsity, data=x, **settings)
        train_net(net, x, y, steps=10, batch=64, seed=0, sparse=sparse)
        plans[card.name] = squares(torch.cat([w.detach().flatten() for w in net.parameters()]))
    model = character_lm("swiglu", seed=0, d=16, hidden=48, layers=1, heads=2, context=16)
    tokens = torch.randint(0, 128, (8, 16), generator=seeds.torch_generator(0, "random tokens"))
    for name in ("cats", "deja_vu", "lazy_neurons", "output_magnitude", "teal"):
        sparse = sparsify(model, name, sparsity=0.5, data=tokens)
        plans[name] = mean_loss(model, tokens)
        sparse.dense()
    sparse = sparsify(net := small_net(), "magnitude", sparsity=0.5)
    return {
        "computation.sparsify": plans,
        "computation.output_errors": output_errors(sparse, x),
        "computation.cost": {"share": cost(sparse, x).share},
        "computation.bounded_sparsity": {
            "sparsity": bounded_sparsity(model, data=tokens, steps=6).sparsity
        },
        "computation.knee": {"knee": knee([0.0, 0.2, 0.6], [0.0, 0.1, 1.0], 0.3).by_budget},
        "claims.lab.net_training": {"accuracy": accuracy(net, x, y), "loss": mean_loss(net, x, y)},
        "testbeds.character_lm.model": {"loss": mean_loss(model, tokens)},
        "testbeds.digits.data": {"train": squares(digits().train.images)},
    }


def small_net() -> torch.nn.Module:
    with seeds.torch_globals(0, "random inputs"):
        return torch.nn.Sequential(
            torch.nn.Linear(record.D, 32), torch.nn.ReLU(), torch.nn.Linear(32, 8)
        )


def main() -> None:
    import tempfile

    with (
        record.one_thread(),
        record.selection_in_float32(),
        tempfile.TemporaryDirectory() as folder,
    ):
        numbers = golden(Path(folder))
    said = {"version": record.st.__version__, "fingerprint": record.fingerprint()}
    record.write(FILE, {**said, "golden": numbers})


if __name__ == "__main__":
    main()
