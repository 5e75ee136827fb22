"""Speech: features of an LSTM that embeds voices, as detectors of sounds and of speakers.

    python examples/speech.py

Voices of a formant synthesiser are read by the network of Resemblyzer, which was trained on real
ones. Features of its state are scored as detectors of speakers, of manners of sounds and of pitch,
on recordings that chose nothing, and compared between high and low voices.
"""

from __future__ import annotations

from pathlib import Path

from example import discovered, run, say, show_detectors

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
    scores = st.label_features(index, held_out, labels)
    raw = {"best_dimension": "raw_precision:.2f", "_": "raw_recall:.2f"}
    show_detectors(scores, labels, 3, base="base:.3f", **raw)
    rows = st.compare_conditions(index, held_out, "voice", "high", "low").to_pylist()
    differing = [row for row in rows if discovered(row, "voice high vs low q")]
    count = f"{len(differing)} of {sae.width} features"
    say(f"{count} fire more in high or in low voices, false-discovery rate 0.05.")


if __name__ == "__main__":
    run(main, __doc__)
