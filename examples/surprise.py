"""Surprise: what a small Titans, trained on speech, marks as a moment, heard and seen.

    python examples/surprise.py

A memory that is written along keys learns to predict the next frame of made speech. How wrong it is
before it writes a frame is its surprise, captured with the true time of every frame. The moments
that stand out of it are compared with the onsets of sounds, of voices that the model never heard,
beside an untrained copy of the model, the change of the sound alone, onsets moved in time, and
moments at equal distances.
"""

from __future__ import annotations

from pathlib import Path

from example import run, say, show

import sparsetime as st
from sparsetime.moments import MomentTable
from sparsetime.testbeds import utterances

SITES = ["blocks.1", "blocks.0:surprise", "blocks.0:reads"]
FRAME = 160  # samples: 10 ms
REACH = 0.03  # seconds between a moment and an onset that it marks


def main(out: Path, small: bool) -> None:
    seconds = 3.0
    spoken = utterances(speakers=4 if small else 24, each=2 if small else 4, seconds=seconds)
    half = len(spoken) // 2  # of the voices: those that are heard in training
    memory = {"kind": "associative", "loss": "squared", "retention": "gate", "momentum": True}
    net = st.compose_model(
        {"kind": "spectrogram", "size": FRAME, "bands": 32},
        [{**memory, "chunk": 4}, {"kind": "attention", "window": 16}],
        d=64,
        name="titans",
    )
    fresh = st.models.untrained_copy(net)
    st.pretrain(
        net,
        [one.document for one in spoken[:half]],
        st.compose_objective({"kind": "denoise", "is_noisy": False}),
        out=out / "titans",
        steps=20 if small else 250,
        batch=8,
        window=FRAME * 128,
        learning_rate=2e-3,
    )
    documents = [one.document for one in spoken[half:]]
    events = [one for utterance in spoken[half:] for one in utterance.events]
    stores = st.capture(net, documents, SITES, out / "activations", events=events, keep_input=True)
    vectors, surprise, _ = stores
    beside = out.with_name(f"{out.name}-untrained")
    twin, frames = st.capture(fresh, documents, ["blocks.0:surprise", "view"], beside)

    budget = 16
    found = marked(surprise, budget)
    found.save(out / "moments", "surprise")
    onsets = {
        one.id: [(e["onset"] - REACH, e["onset"] + REACH) for e in one.events]
        for one in spoken[half:]
    }
    moved = {
        name: [((a + seconds / 2) % seconds, (b + seconds / 2) % seconds) for a, b in spans]
        for name, spans in onsets.items()
    }
    searches = {
        "surprise of the trained memory": (found, onsets),
        "the same of an untrained copy": (marked(twin, budget), onsets),
        "change of the sound alone": (st.find_moments(frames, "spread", budget=budget), onsets),
        "surprise, onsets moved by half a recording": (found, moved),
        "moments at equal distances": (st.find_moments(surprise, "uniform", budget=budget), onsets),
    }
    rows = [
        {"way": way, "precision": one.precision(of), "found": one.coverage(of), "n": len(one)}
        for way, (one, of) in searches.items()
    ]
    form = {"precision": "precision:.2f", "onsets_found": "found:.2f", "moments": "n"}
    show(rows, moments_by="way", **form)
    say(f"{len(documents)} recordings of voices that were not heard, of {seconds:g} s each.")

    sae = st.dictionary("topk", d_in=vectors.d, width=128, k=8)
    st.train(sae, vectors, out=out / "dictionary", rows=5_000 if small else 100_000, batch=512)
    st.index(sae, vectors, out=out / "dictionary" / "features")


def marked(store: st.Store, budget: int) -> MomentTable:
    """The frames of largest surprise, far from each other."""
    return st.find_moments(store, "spread", query=lambda rows: rows.mean(1), budget=budget)


if __name__ == "__main__":
    run(main, __doc__)
