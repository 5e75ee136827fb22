"""From a feature to a cause: an induction feature of SmolLM2, found, steered and traced.

    python examples/feature_to_cause.py

Lists of random words are read twice, or followed by another list. A feature that detects the
second reading is found among those of a dictionary, by a label of the steps. It is ablated, and
held on for ten tokens, which shows what it does and how long; and the steps that its activation
comes from are traced.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

from example import run, say, say_halves, show

import sparsetime as st
from sparsetime.features import FeatureIndex
from sparsetime.models import LoadedModel
from sparsetime.testbeds import english_model

SITE = "model.layers.10"
COPY = "copy"
Edit = dict[int, Any]
WORDS = [
    "apple", "river", "stone", "cloud", "music", "paper", "glass", "horse", "tower",
    "field", "light", "sugar", "metal", "ocean", "table", "green", "seven", "night",
    "plant", "chair", "bread", "winter", "garden", "silver", "forest", "mirror", "candle",
    "bridge", "engine", "pocket", "letter", "button", "island", "carpet", "dragon",
    "camera", "lemon", "tiger", "pencil", "blanket", "planet", "window", "basket", "hammer",
    "ladder", "pillow", "rabbit", "shadow", "ticket", "violin", "wallet", "zebra", "anchor",
    "bottle", "circus", "desert",
]  # fmt: skip


def word_list(draw: random.Random, words: int) -> str:
    return "".join(f" {word}" for word in draw.sample(WORDS, words))


def documents(count: int, words: int, seed: int) -> list[st.Document]:
    """Half of the texts are a list and its copy, the others two lists."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        first = word_list(draw, words)
        copied = number % 2 == 0
        text = first + (first if copied else word_list(draw, words))
        halves = [(0, len(first), "first"), (len(first), len(text), COPY if copied else "second")]
        made.append(st.Document(f"text {number}", text=text, spans={"half": halves}))
    return made


def copy_loss(model: LoadedModel, sae: st.Dictionary, texts: list[str], edit: Edit) -> float:
    """Mean negative log-likelihood of the copied tokens behind the first, in nats."""
    losses = []
    for text in texts:
        reading = st.steer(model, sae, edit).read(text)
        half = reading.tokens.shape[1] // 2
        scores = reading.logits[0, half:-1].float().log_softmax(-1)
        losses.append(-float(scores.gather(1, reading.tokens[0, half + 1 :, None]).mean()))
    return sum(losses) / len(losses)


def equally_dense(index: FeatureIndex, feature: int, count: int) -> list[int]:
    """The features whose share of active steps is nearest to that of one."""
    density = index.features["density"].to_numpy()
    nearest = abs(density - density[feature]).argsort(kind="stable")
    return [int(number) for number in nearest if number != feature][:count]


def main(out: Path, small: bool) -> None:
    model = english_model()
    count, words = (16 if small else 120), 40
    texts = documents(count, words, seed=0)
    store = st.capture(model, texts, SITE, out / "activations", window=128)
    train, held_out = st.split(store, by="sequence", held_out=0.5)
    sae = st.dictionary("batch_topk", d_in=store.d, width=1024, k=32)
    rows = 3_000 if small else 60_000
    # The first token of a text holds most of the variance and stands for no word.
    st.train(sae, train, out=out / "dictionary", rows=rows, batch=512, exclude_first=1)
    index = st.index(sae, held_out, out=out / "dictionary" / "features")

    say("**Find it.** Features that detect the second reading of a list:")
    scores = st.label_features(index, held_out, ["half"])
    say_halves(scores)
    found = [row for row in scores.table.to_pylist() if row["value"] == COPY and row["phi"]]
    found.sort(key=lambda row: -row["phi"])
    show(
        found[:3],
        feature="feature",
        precision="precision:.2f",
        recall="recall:.2f",
        best_dimension="raw_precision:.2f",
        _="raw_recall:.2f",
    )
    feature = found[0]["feature"]

    say("**Take it away.** Loss of the copied tokens of new lists, in nats:")
    fresh = [str(one.text) for one in documents(4 if small else 24, 16, seed=1)[::2]]
    others = equally_dense(index, feature, 1 if small else 4)
    losses = {
        "plain": copy_loss(model, sae, fresh, {feature: st.edits.scale(1.0)}),
        f"without feature {feature}": copy_loss(model, sae, fresh, {feature: st.edits.ablate()}),
        **{
            f"without feature {other}, as often active": copy_loss(
                model, sae, fresh, {other: st.edits.ablate()}
            )
            for other in others
        },
    }
    show(
        [{"model": name, "loss": loss} for name, loss in losses.items()],
        model="model",
        loss="loss:.3f",
    )

    say("**Hold it on** for ten tokens at twice its peak; what remains behind them:")
    # From the fifth word of the second list on.
    effect = st.effects(
        model, sae, {feature: 2.0}, held_out, index=index, at=words + 4,
        kinds=("release",), lags=10, hold=10, windows=2 if small else 16, null=1 if small else 8,
        out=out / "dictionary" / "features",
    ).responses["release"]  # fmt: skip
    assert effect.divergence.null_band is not None
    low, high = effect.divergence.null_band
    lags = (0, 1, 2, 4, 8)
    show(
        [
            {"lag": lag, "kl": effect.divergence.mean[lag], "low": low[lag], "high": high[lag]}
            for lag in lags
        ],
        lag="lag",
        KL="kl:.3f",
        null_from="low:.3f",
        to="high:.3f",
    )
    half_life = effect.half_life
    between = (
        "none" if half_life.interval is None else "{:.1f} to {:.1f}".format(*half_life.interval)
    )
    null = "none" if half_life.null is None else f"{half_life.null:.1f}"
    say(
        f"Half-life {half_life.value:.1f} steps (interval {between}; random features of equal "
        f"norm: {null})."
    )

    say("**Trace it.** Where its activation at a copied word comes from, 16 words to a list:")
    (text,) = (str(one.text) for one in documents(1, 16, seed=2))
    shares: Counter[int] = Counter()
    steps = (24,) if small else (20, 24, 28)
    for step in steps:
        graph = st.circuit(model, [sae], text, st.circuits.feature(SITE, feature, step), nodes=50)
        for row in graph.lags().to_pylist():
            shares[row["lag"]] += row["share"] / len(steps)
    largest = sorted(shares.items(), key=lambda pair: -pair[1])[:4]
    show([{"lag": lag, "share": share} for lag, share in largest], lag="lag", share="share:.3f")
    say(f"Mean of all other lags: {(1 - sum(s for _, s in largest)) / (len(shares) - 4):.3f}.")


if __name__ == "__main__":
    run(main, __doc__)
