"""Protein: features of a network that predicts AlphaFold's confidence, as detectors of residues.

    python examples/protein.py

The bidirectional LSTM of metapredict was trained on one number a residue. Features of its state are
scored as detectors of things that follow from the sequence alone, on proteins that chose nothing.
"""

from __future__ import annotations

from pathlib import Path

from example import run, show_detectors

import sparsetime as st
from sparsetime.testbeds import human_proteins, protein_lstm

LABELS = ("zinc finger", "residue", "hydropathy")


def main(out: Path, small: bool) -> None:
    proteins = human_proteins(longest=1000)
    proteins = proteins[:: 8 if small else 1]
    store = st.capture(protein_lstm("confidence"), proteins, "lstm", out / "activations")
    train, held_out = st.split(store, by="sequence", held_out=0.5)
    sae = st.dictionary("topk", d_in=store.d, width=256 if small else 1024, k=16)
    st.train(sae, train, out=out / "dictionary", rows=40_000 if small else 400_000, batch=1024)
    index = st.index(sae, held_out, out=out / "dictionary" / "features")

    scores = st.label_features(index, held_out, LABELS)
    raw = {"best_dimension": "raw_precision:.2f", "_": "raw_recall:.2f"}
    show_detectors(scores, LABELS, 5, base="base:.3f", **raw)


if __name__ == "__main__":
    run(main, __doc__)
