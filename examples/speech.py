"""Speech: what an LSTM that embeds voices keeps of what was said, and of who said it.

    python examples/speech.py

Voices of a formant synthesiser are read by the network of Resemblyzer, which was trained on real
ones. Features of its state are scored as detectors of speakers, of manners of sounds and of pitch,
on recordings that chose nothing, and compared between high and low voices.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from example import run, show

import sparsetime as st
from sparsetime.testbeds import utterances, voice_encoder


def main(out: Path, small: bool) -> None:
    spoken = utterances(speakers=4 if small else 12, each=3 if small else 8, seconds=2.5)
    recordings = [one.document for one in spoken]
    sounds = [event | {"trial_type": event["manner"]} for one in spoken for event in one.events]
    store = st.capture(
        voice_encoder(), recordings, "lstm", out / "activations", events=sounds, keep_input=True
    )
    train, held_out = st.split(store, by="sequence", held_out=0.5)
    sae = st.dictionary("topk", d_in=store.d, width=128, k=8)
    st.train(sae, train, out=out / "dictionary", rows=30_000 if small else 300_000, batch=1024)
    index = st.index(sae, held_out, out=out / "dictionary" / "features")

    labels = ("vowel", "fricative", "nasal", "speaker", "pitch")
    scores = st.label_features(index, held_out, list(labels))
    print(scores.about["halves"])
    rows = [row for row in scores.table.to_pylist() if row["precision"] is not None]
    for label in labels:
        best = sorted((r for r in rows if r["label"] == label), key=lambda row: -row["phi"])[:3]
        show(
            best,
            feature="feature",
            detects="name",
            precision="precision:.2f",
            recall="recall:.2f",
            base="base:.3f",
            q="q:.4f",
            best_dimension="raw_precision:.2f",
            _="raw_recall:.2f",
        )
    table = st.compare_conditions(index, held_out, "voice", "high", "low")
    q = np.array(table["voice high vs low q"].to_pylist(), dtype=float)
    print(f"{int((q <= 0.05).sum())} features fire more in high or in low voices (q at most 0.05)")


if __name__ == "__main__":
    run(main, __doc__)
