"""Label and event tracks of a recording, in steps of the rows."""

from __future__ import annotations

import torch
from small_run import add_untrained

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.explorer.workbench.tracks import Track, TrackSpan, tracks
from sparsetime.explorer.workbench.workbench import Workbench


def test_labels_of_steps_are_runs_and_events_have_their_times(tmp_path):
    stage = [0] * 60 + [3] * 40
    eyes = ["open"] * 30 + ["closed"] * 50 + ["open"] * 20
    events = [
        {"onset": 1.0, "duration": 0.5, "trial_type": "flash"},
        {"onset": 3.25, "duration": 0.0, "trial_type": "tone"},
    ]
    document = Document(
        "night", values=torch.randn(100, 2, generator=torch.Generator().manual_seed(0)),
        recording=st.Recording(rate=20.0), events=events,
        step_labels={"eyes": eyes, "stage": stage, "count": list(range(100))},
    )  # fmt: skip
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 16))
    store = st.capture(model, [document], "0", tmp_path / "activations", progress=False)
    add_untrained(tmp_path, store, "topk")
    opened = Workbench(tmp_path).opened
    whole = tracks(opened, "topk", 0).tracks
    assert whole == (
        Track(
            name="eyes",
            kind="label",
            spans=(
                TrackSpan(first=0, stop=30, text="open"),
                TrackSpan(first=30, stop=80, text="closed"),
                TrackSpan(first=80, stop=100, text="open"),
            ),
        ),
        Track(
            name="stage",
            kind="label",
            spans=(TrackSpan(first=0, stop=60, text="0"), TrackSpan(first=60, stop=100, text="3")),
        ),
        Track(name="flash", kind="event", spans=(TrackSpan(first=20, stop=30, text="flash"),)),
        Track(name="tone", kind="event", spans=(TrackSpan(first=65, stop=65, text="tone"),)),
    )
    (label, _, flash) = tracks(opened, "topk", 0, 25, 40).tracks
    assert [(span.first, span.stop) for span in label.spans] == [(25, 30), (30, 40)]
    assert flash.name == "flash"
