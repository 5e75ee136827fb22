"""Protein: what a network that predicts disorder knows about residues, zinc fingers and membranes.

    python examples/protein.py

The bidirectional LSTM of metapredict was trained on one number a residue. Features of its state are
scored as detectors of things that follow from the sequence alone, on proteins that chose nothing.
"""

from __future__ import annotations

from pathlib import Path

from example import run, show

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

    scores = st.label_features(index, held_out, list(LABELS))
    print(scores.about["halves"])
    rows = [row for row in scores.table.to_pylist() if row["precision"] is not None]
    for label in LABELS:
        best = sorted((r for r in rows if r["label"] == label), key=lambda row: -row["phi"])[:5]
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


if __name__ == "__main__":
    run(main, __doc__)
